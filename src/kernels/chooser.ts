/** Chooses kernels for ops, and keeps a record of what it chose. The choices themselves are pure functions elsewhere. */
import type { AdapterTraits, Gpu } from '../gpu/gpu.ts';
import { KernelChooser } from '../gpu/kernel-chooser.ts';
import type { Conv2dVariant } from './conv2d/choose.ts';
import { type Conv2dWork, chooseConv2d, possibleConv2d } from './conv2d/choose.ts';
import { chooseLinear, type LinearVariant, type LinearWork, linearCandidates } from './linear/choose.ts';
import type { TunedChoices, Work } from './work.ts';

/** What a chooser goes by; the shipped tables say the rest. */
export interface ChooserSettings {
  /** What was measured to be fastest, such as `tunedChoices` finds. A choice that cannot compute the work counts for nothing. */
  readonly tuned?: TunedChoices | undefined;
  /** Variants to take for all work that they can compute, whatever was tuned. For tests and benchmarks. */
  readonly forced?: ForcedVariants | undefined;
}

/** A variant for every convolution, and one for every product of a fully connected layer. */
export interface ForcedVariants {
  readonly conv2d?: Conv2dVariant | undefined;
  readonly linear?: LinearVariant | undefined;
}

/** Work of a kind that has several kernels. */
export type TunableWork = Conv2dWork | LinearWork;

/** The variants of work of a kind. */
export type VariantOf<W extends TunableWork> = W extends Conv2dWork ? Conv2dVariant : LinearVariant;

interface Chosen {
  readonly work: Work;
  readonly variant: string;
  readonly uses: number;
}

/**
 * Chooses a kernel for each piece of work, and records which and how often. A device has one (`openGpu({ chooser })`);
 * `Gpu.withChooser` puts another in its place for as long as a function runs.
 */
export class Chooser extends KernelChooser {
  readonly settings: ChooserSettings;
  readonly #record = new Map<string, Chosen>();

  constructor(settings: ChooserSettings = {}) {
    super();
    this.settings = settings;
  }

  /** The variant for this work on an adapter: what is forced, else what was tuned, else what the shipped table says. */
  variantFor<W extends TunableWork>(work: W, traits: AdapterTraits): VariantOf<W> {
    const variant = work.kind === 'conv2d' ? this.#conv2d(work, traits) : this.#linear(work, traits);
    return variant as VariantOf<W>;
  }

  /** The same, and records it. */
  choose<W extends TunableWork>(work: W, traits: AdapterTraits): VariantOf<W> {
    const variant = this.variantFor(work, traits);
    this.#record.set(work.name, { work, variant, uses: this.usesOf(work) + 1 });
    return variant;
  }

  /** A chooser of the same settings, except for what was tuned where that is given, whose record is empty. */
  fresh(tuned?: TunedChoices): Chooser {
    return new Chooser({ ...this.settings, ...(tuned && { tuned }) });
  }

  /** What was tuned, by the name of the work; empty where nothing was. */
  get tuned(): TunedChoices {
    return this.settings.tuned ?? NOTHING_TUNED;
  }

  /** Every choice recorded so far: the variant by the name of the work, sorted by that. */
  get choices(): Record<string, string> {
    const sorted = [...this.#record].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(sorted.map(([name, { variant }]) => [name, variant]));
  }

  /** All work that a kernel was chosen for so far, in the order in which it first came. */
  get works(): Work[] {
    return Array.from(this.#record.values(), ({ work }) => work);
  }

  /** How often a kernel was chosen for this work. */
  usesOf({ name }: Work): number {
    return this.#record.get(name)?.uses ?? 0;
  }

  #conv2d({ pass, shape }: Conv2dWork, traits: AdapterTraits): Conv2dVariant {
    const { tuned, forced } = this.settings;
    if (forced?.conv2d) return possibleConv2d(forced.conv2d, pass, shape, traits);
    return chooseConv2d(pass, shape, traits, tuned);
  }

  #linear({ pass, size }: LinearWork, traits: AdapterTraits): LinearVariant {
    const { tuned, forced } = this.settings;
    const possible = linearCandidates(size).find((variant) => variant === forced?.linear);
    return possible ?? chooseLinear(pass, size, traits, tuned);
  }
}

const NOTHING_TUNED: TunedChoices = new Map();

/** Of devices that were handed none. */
const defaults = new WeakMap<Gpu, Chooser>();

/** The chooser in place on a device; where none was handed in, one that goes by the shipped tables. */
export function chooserOf(gpu: Gpu): Chooser {
  if (gpu.chooser instanceof Chooser) return gpu.chooser;
  const chooser = defaults.get(gpu) ?? new Chooser();
  defaults.set(gpu, chooser);
  return chooser;
}
