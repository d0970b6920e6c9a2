/**
 * Chooses a variant of a convolution: pure functions of the work, the adapter and tuning, which tests can call without
 * a device.
 */
import type { AdapterTraits } from '../../gpu/gpu.ts';
import { type AdapterClass, adapterClass } from '../adapter-class.ts';
import type { TunedChoices } from '../work.ts';
import { CPU_CAN, cpuVariants, fastestOnCpu } from './cpu/index.ts';
import { depthwise, depthwiseFits } from './depthwise.ts';
import { reference } from './reference.ts';
import type { Conv2dKernels } from './shape.ts';
import { tiled } from './tiled.ts';
import type { Conv2dWork } from './work.ts';

/**
 * The simplest first. `reference` computes each element as a separate sum. `tiled` keeps tiles in workgroup memory, for
 * GPUs. `rows` and `winograd` are for CPU adapters. `depthwise` is for as many groups as input channels.
 */
export const conv2dVariants = { reference, tiled, ...cpuVariants, depthwise } satisfies Record<string, Conv2dKernels>;
export type Conv2dVariant = keyof typeof conv2dVariants;

type Can = (work: Conv2dWork, traits: AdapterTraits) => boolean;

/** f16 is for the forward pass on GPUs. CPU adapters may support it too, but half the bytes save no time there. */
const CAN: Readonly<Record<Conv2dVariant, Can>> = {
  reference: ({ pass, shape }) => !shape.half || pass === 'forward',
  tiled: ({ pass, shape }) => !shape.half || pass === 'forward',
  ...CPU_CAN,
  depthwise: ({ pass, shape }) => depthwiseFits(shape) && (!shape.half || pass === 'forward'),
};

/** Returns whether a variant can compute the shape on this adapter. */
export function canConv2d(variant: Conv2dVariant, work: Conv2dWork, traits: AdapterTraits): boolean {
  return CAN[variant](work, traits);
}

/**
 * Returns the variants for the table or tuning to choose from, the simplest first: all that can compute the shape on
 * this adapter. It includes `reference` only if no other can: it is the slowest, and measuring it would take tuning's
 * whole budget. For the same reason `depthwise` is alone if it can: the others waste most of their tiles on groups of
 * one channel. The list is never empty, except for a gradient in f16.
 */
export function conv2dCandidates(work: Conv2dWork, traits: AdapterTraits): Conv2dVariant[] {
  const all = (Object.keys(conv2dVariants) as Conv2dVariant[]).filter((one) => canConv2d(one, work, traits));
  if (all.includes('depthwise')) return ['depthwise'];
  return all.length > 1 ? all.filter((one) => one !== 'reference') : all;
}

/**
 * @param tuned ignored where its choice cannot compute the shape
 * @returns the tuned choice, else the shipped table's
 */
export function chooseConv2d(work: Conv2dWork, traits: AdapterTraits, tuned?: TunedChoices): Conv2dVariant {
  const measured = tuned?.get(work.name);
  const possible = measured && conv2dCandidates(work, traits).find((variant) => variant === measured);
  return possible || tabledConv2d(work, traits);
}

/** The variant for an adapter class, unless a convolution is depthwise. A fallback replaces it if it cannot compute the shape. */
type Entry = (work: Conv2dWork) => Conv2dVariant;

const forGpus: Entry = () => 'tiled';

/**
 * The shipped table, for adapters without tuning. Only lavapipe was measured; the others get the kernels written for
 * their kind.
 */
const TABLE: Readonly<Record<AdapterClass, Entry>> = {
  lavapipe: fastestOnCpu,
  swiftshader: fastestOnCpu,
  software: fastestOnCpu,
  discrete: forGpus,
  integrated: forGpus,
};

/** Returns the table's choice. An adapter of an unknown class gets the choice of its kind. */
export function tabledConv2d(work: Conv2dWork, traits: AdapterTraits): Conv2dVariant {
  const entry = TABLE[adapterClass(traits) ?? (traits.kind === 'cpu' ? 'software' : 'discrete')];
  return possibleConv2d(depthwiseFits(work.shape) ? 'depthwise' : entry(work), work, traits);
}

/** Replacements for a variant that cannot compute a shape: the first of these that can. The last one always can. */
const FALLBACKS: readonly Conv2dVariant[] = ['rows', 'tiled', 'reference'];

/** Returns the wanted variant if it can compute the shape on this adapter, else a fallback. */
export function possibleConv2d(wanted: Conv2dVariant, work: Conv2dWork, traits: AdapterTraits): Conv2dVariant {
  return [wanted, ...FALLBACKS].find((variant) => canConv2d(variant, work, traits)) ?? 'reference';
}
