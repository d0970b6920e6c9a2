/** Chooses kernels for ops and records the choices. The choices themselves are pure functions in other files. */
import type { AdapterTraits, Gpu } from '../gpu/gpu.ts';
import { KernelChooser } from '../gpu/kernel-chooser.ts';
import type { Conv2dVariant } from './conv2d/choose.ts';
import { chooseConv2d, possibleConv2d } from './conv2d/choose.ts';
import type { Conv2dWork } from './conv2d/work.ts';
import { chooseLinear, type LinearVariant, type LinearWork, linearCandidates } from './linear/choose.ts';
import { chooseMatmul, type MatmulVariant, type MatmulWork, matmulCandidates } from './matmul/choose.ts';
import type { TunedChoices, Work } from './work.ts';

/** Settings of a chooser. The shipped tables decide the rest. */
export interface ChooserSettings {
  /** The fastest variants measured, as `tunedChoices` finds them. A variant that cannot compute the work is ignored. */
  readonly tuned?: TunedChoices | undefined;
  /** Variants for all work that they can compute; they override `tuned`. For tests and benchmarks. */
  readonly forced?: ForcedVariants | undefined;
}

/** A variant for every convolution, one for every product of a fully connected layer, and one for every other product. */
export interface ForcedVariants {
  readonly conv2d?: Conv2dVariant | undefined;
  readonly linear?: LinearVariant | undefined;
  readonly matmul?: MatmulVariant | undefined;
}

/** Work that several kernels can compute. */
export type TunableWork = Conv2dWork | LinearWork | MatmulWork;

/** The variants that compute this kind of work. */
export type VariantOf<W extends TunableWork> = W extends Conv2dWork
  ? Conv2dVariant
  : W extends LinearWork
    ? LinearVariant
    : MatmulVariant;

interface Chosen {
  readonly work: Work;
  readonly variant: string;
  readonly uses: number;
}

/**
 * Chooses a kernel for each piece of work, and counts how often it chose it. Each device has one
 * (`openGpu({ chooser })`); `Gpu.withChooser` replaces it while a function runs.
 */
export class Chooser extends KernelChooser {
  readonly settings: ChooserSettings;
  readonly #record = new Map<string, Chosen>();

  constructor(settings: ChooserSettings = {}) {
    super();
    this.settings = settings;
  }

  /** Returns the variant for this work on an adapter: the forced one, else the tuned one, else the shipped table's. */
  variantFor<W extends TunableWork>(work: W, traits: AdapterTraits): VariantOf<W> {
    return this.#variantFor(work, traits) as VariantOf<W>;
  }

  /** Returns the same as `variantFor` and records it. */
  choose<W extends TunableWork>(work: W, traits: AdapterTraits): VariantOf<W> {
    const variant = this.variantFor(work, traits);
    this.#record.set(work.name, { work, variant, uses: this.usesOf(work) + 1 });
    return variant;
  }

  /** Returns a chooser with the same settings and an empty record. `tuned` replaces the tuned variants if given. */
  fresh(tuned?: TunedChoices): Chooser {
    return new Chooser({ ...this.settings, ...(tuned && { tuned }) });
  }

  /** The tuned variants by the name of the work; empty without tuning. */
  get tuned(): TunedChoices {
    return this.settings.tuned ?? NOTHING_TUNED;
  }

  /** Every choice recorded so far: the variant by the name of the work, sorted by name. */
  get choices(): Record<string, string> {
    const sorted = [...this.#record].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(sorted.map(([name, { variant }]) => [name, variant]));
  }

  /** All work that the chooser chose a kernel for so far, in order of first use. */
  get works(): Work[] {
    return Array.from(this.#record.values(), ({ work }) => work);
  }

  /** Returns how often a kernel was chosen for this work. */
  usesOf({ name }: Work): number {
    return this.#record.get(name)?.uses ?? 0;
  }

  #variantFor(work: TunableWork, traits: AdapterTraits) {
    if (work.kind === 'conv2d') return this.#conv2d(work, traits);
    return work.kind === 'linear' ? this.#linear(work, traits) : this.#matmul(work, traits);
  }

  #conv2d(work: Conv2dWork, traits: AdapterTraits): Conv2dVariant {
    const { tuned, forced } = this.settings;
    if (forced?.conv2d) return possibleConv2d(forced.conv2d, work, traits);
    return chooseConv2d(work, traits, tuned);
  }

  #linear({ pass, size }: LinearWork, traits: AdapterTraits): LinearVariant {
    const { tuned, forced } = this.settings;
    const possible = linearCandidates(pass, size, traits).find((variant) => variant === forced?.linear);
    return possible ?? chooseLinear(pass, size, traits, tuned);
  }

  #matmul(work: MatmulWork, traits: AdapterTraits): MatmulVariant {
    const { tuned, forced } = this.settings;
    const possible = matmulCandidates(work.product, traits).find((variant) => variant === forced?.matmul);
    return possible ?? chooseMatmul(work, traits, tuned);
  }
}

const NOTHING_TUNED: TunedChoices = new Map();

/** Choosers of devices that were opened without one. */
const defaults = new WeakMap<Gpu, Chooser>();

/** Returns the device's current chooser; without one, a chooser that uses the shipped tables. */
export function chooserOf(gpu: Gpu): Chooser {
  if (gpu.chooser instanceof Chooser) return gpu.chooser;
  const chooser = defaults.get(gpu) ?? new Chooser();
  defaults.set(gpu, chooser);
  return chooser;
}
