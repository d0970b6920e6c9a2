/** The variants of a convolution, and which of them can compute a shape on an adapter: what is chosen among. */
import type { AdapterTraits } from '../gpu/gpu.ts';
import { rows } from './conv2d-rows.ts';
import type { Conv2dKernels, Conv2dShape } from './conv2d-shape.ts';
import { tiled } from './conv2d-tiled.ts';
import { shuffleLanes } from './shuffle-lanes.ts';
import { winograd } from './winograd.ts';
import { winogradFits } from './winograd-shape.ts';
import { winogradStemFits } from './winograd-stem.ts';

export type Conv2dPass = keyof Conv2dKernels;

/**
 * From the simplest on. `tiled`: the textbook's tiles in workgroup memory, for GPUs. `rows`: register tiles fed from memory,
 * for CPU adapters, where every load costs per invocation and workgroup memory is no cheaper than a buffer. `winograd`: the
 * same for 3×3 kernels with stride 1, with a quarter of the multiplications and about twice the rounding error.
 */
export const conv2dVariants = { tiled, rows, winograd } satisfies Record<string, Conv2dKernels>;
export type Conv2dVariant = keyof typeof conv2dVariants;

type Can = (pass: Conv2dPass, shape: Conv2dShape, traits: AdapterTraits) => boolean;

/** f16 is for the forward pass on GPUs: on a CPU adapter half the bytes save no time, though they can be had there too. */
const CAN: Readonly<Record<Conv2dVariant, Can>> = {
  tiled: (pass, shape) => !shape.half || pass === 'forward',
  rows: (_pass, shape) => !shape.half,
  winograd: (pass, shape, traits) =>
    !shape.half && (winogradFits(shape) || (pass === 'forward' && winogradStemFits(shape))) && shuffleLanes(traits) > 0,
};

/**
 * Every variant that can compute the shape on this adapter, the simplest first. Never empty, unless it is a gradient in f16:
 * the first two always can, and in f16 the first.
 */
export function conv2dCandidates(pass: Conv2dPass, shape: Conv2dShape, traits: AdapterTraits): Conv2dVariant[] {
  return (Object.keys(conv2dVariants) as Conv2dVariant[]).filter((variant) => CAN[variant](pass, shape, traits));
}
