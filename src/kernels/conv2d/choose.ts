/**
 * The variants of a convolution, and which of them runs: pure functions of pass, shape, adapter and what was tuned on it, so
 * that the choice can be tested without a device.
 */
import type { AdapterTraits } from '../../gpu/gpu.ts';
import { type AdapterClass, adapterClass } from '../adapter-class.ts';
import type { TunedChoices, Work } from '../work.ts';
import { CPU_CAN, cpuVariants, fastestOnCpu } from './cpu/index.ts';
import { reference } from './reference.ts';
import { type Conv2dKernels, type Conv2dPass, type Conv2dShape, describeConv2d, isPlain } from './shape.ts';
import { tiled } from './tiled.ts';

/**
 * From the simplest on. `reference`: each element as a sum of its own; the only one with groups or dilation. `tiled`: the
 * textbook's tiles in workgroup memory, for GPUs. The others: for CPU adapters.
 */
export const conv2dVariants = { reference, tiled, ...cpuVariants } satisfies Record<string, Conv2dKernels>;
export type Conv2dVariant = keyof typeof conv2dVariants;

type Can = (pass: Conv2dPass, shape: Conv2dShape, traits: AdapterTraits) => boolean;

/** f16 is for the forward pass on GPUs: on a CPU adapter half the bytes save no time, though they can be had there too. */
const CAN: Readonly<Record<Conv2dVariant, Can>> = {
  reference: (pass, shape) => !shape.half || pass === 'forward',
  tiled: (pass, shape) => isPlain(shape) && (!shape.half || pass === 'forward'),
  ...CPU_CAN,
};

/** Whether a variant can compute the shape on this adapter. */
export function canConv2d(
  variant: Conv2dVariant,
  pass: Conv2dPass,
  shape: Conv2dShape,
  traits: AdapterTraits,
): boolean {
  return CAN[variant](pass, shape, traits);
}

/**
 * The variants among which one is chosen, by the table or by tuning, the simplest first: all that can compute the shape on this
 * adapter. `reference` is among them only where it is alone: elsewhere it is slower than any other, and measuring it would take
 * tuning's whole budget. Never empty, unless it is a gradient in f16.
 */
export function conv2dCandidates(pass: Conv2dPass, shape: Conv2dShape, traits: AdapterTraits): Conv2dVariant[] {
  const all = (Object.keys(conv2dVariants) as Conv2dVariant[]).filter((one) => canConv2d(one, pass, shape, traits));
  return all.length > 1 ? all.filter((one) => one !== 'reference') : all;
}

/** One pass of a convolution of one shape: a kernel is chosen for it. */
export interface Conv2dWork extends Work {
  readonly kind: 'conv2d';
  readonly pass: Conv2dPass;
  readonly shape: Conv2dShape;
}

/** Its name, such as `conv2d forward 4x64x56x56 -> 64, 3x3 /1 +1`, holds all that the choice depends on. */
export function conv2dWork(pass: Conv2dPass, shape: Conv2dShape): Conv2dWork {
  return { kind: 'conv2d', name: `conv2d ${pass} ${describeConv2d(shape)}`, pass, shape };
}

export const isConv2dWork = (work: Work): work is Conv2dWork => 'kind' in work && work.kind === 'conv2d';

/**
 * @param tuned a choice in it that cannot compute the shape counts for nothing
 * @returns the tuned choice, else the shipped table's
 */
export function chooseConv2d(
  pass: Conv2dPass,
  shape: Conv2dShape,
  traits: AdapterTraits,
  tuned?: TunedChoices,
): Conv2dVariant {
  const measured = tuned?.size ? tuned.get(conv2dWork(pass, shape).name) : undefined;
  const possible = measured && conv2dCandidates(pass, shape, traits).find((variant) => variant === measured);
  return possible || tabledConv2d(pass, shape, traits);
}

/** The variant that an adapter's class gets; another takes its place where it cannot compute the shape. */
type Entry = (pass: Conv2dPass, shape: Conv2dShape) => Conv2dVariant;

const forGpus: Entry = () => 'tiled';

/**
 * The shipped table, for adapters that nobody has tuned on. Only lavapipe was measured: the others get the kernels that were
 * written for their kind.
 */
const TABLE: Readonly<Record<AdapterClass, Entry>> = {
  lavapipe: fastestOnCpu,
  swiftshader: fastestOnCpu,
  software: fastestOnCpu,
  discrete: forGpus,
  integrated: forGpus,
};

/** The table's choice. An adapter of no known class gets the choice of its kind. */
export function tabledConv2d(pass: Conv2dPass, shape: Conv2dShape, traits: AdapterTraits): Conv2dVariant {
  const entry = TABLE[adapterClass(traits) ?? (traits.kind === 'cpu' ? 'software' : 'discrete')];
  return possibleConv2d(entry(pass, shape), pass, shape, traits);
}

/** In the place of a variant that cannot compute a shape: the first of these that can. The last one always can. */
const FALLBACKS: readonly Conv2dVariant[] = ['rows', 'tiled', 'reference'];

/** The wanted variant if it can compute the shape on this adapter, else one that can. */
export function possibleConv2d(
  wanted: Conv2dVariant,
  pass: Conv2dPass,
  shape: Conv2dShape,
  traits: AdapterTraits,
): Conv2dVariant {
  return [wanted, ...FALLBACKS].find((variant) => canConv2d(variant, pass, shape, traits)) ?? 'reference';
}
