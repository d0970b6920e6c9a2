/** The variants of a convolution, and which of them can compute a shape on an adapter: what is chosen among. */
import type { AdapterTraits } from '../gpu/gpu.ts';
import { reference } from './conv2d-reference.ts';
import { rows } from './conv2d-rows.ts';
import { type Conv2dKernels, type Conv2dShape, isPlain } from './conv2d-shape.ts';
import { tiled } from './conv2d-tiled.ts';
import { shuffleLanes } from './shuffle-lanes.ts';
import { winograd } from './winograd.ts';
import { winogradFits } from './winograd-shape.ts';
import { winogradStemFits } from './winograd-stem.ts';

export type Conv2dPass = keyof Conv2dKernels;

/**
 * From the simplest on. `reference`: each element as a sum of its own; the only one with groups or dilation. `tiled`: the
 * textbook's tiles in workgroup memory, for GPUs. `rows`: register tiles fed from memory,
 * for CPU adapters, where every load costs per invocation and workgroup memory is no cheaper than a buffer. `winograd`: the
 * same for 3×3 kernels with stride 1, with a quarter of the multiplications and about twice the rounding error.
 */
export const conv2dVariants = { reference, tiled, rows, winograd } satisfies Record<string, Conv2dKernels>;
export type Conv2dVariant = keyof typeof conv2dVariants;

type Can = (pass: Conv2dPass, shape: Conv2dShape, traits: AdapterTraits) => boolean;

/** f16 is for the forward pass on GPUs: on a CPU adapter half the bytes save no time, though they can be had there too. */
const CAN: Readonly<Record<Conv2dVariant, Can>> = {
  reference: (pass, shape) => !shape.half || pass === 'forward',
  tiled: (pass, shape) => isPlain(shape) && (!shape.half || pass === 'forward'),
  rows: (_pass, shape) => isPlain(shape) && !shape.half,
  winograd: (pass, shape, traits) =>
    isPlain(shape) &&
    !shape.half &&
    (winogradFits(shape) || (pass === 'forward' && winogradStemFits(shape))) &&
    shuffleLanes(traits) > 0,
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
