/**
 * The convolutions for CPU adapters, as the chooser sees them: two variants, which of them can compute a shape, and which is
 * faster. The folder's door: only its tests look further.
 */
import type { AdapterTraits } from '../../../gpu/gpu.ts';
import { type Conv2dPass, type Conv2dShape, conv2dFlops, isPlain } from '../shape.ts';
import { rows } from './rows.ts';
import { shuffleLanes } from './shuffle-lanes.ts';
import { winogradStemFits, winogradStemPays } from './stem.ts';
import { winograd } from './winograd.ts';
import { winogradCost, winogradFits } from './winograd-shape.ts';

/**
 * `rows`: register tiles fed from memory, as every load costs per invocation there, and workgroup memory is no cheaper than a
 * buffer. `winograd`: the same for 3×3 kernels with stride 1, and for a first layer's forward pass, with a quarter to half of
 * the multiplications and about twice the rounding error.
 */
export const cpuVariants = { rows, winograd };
export type CpuVariant = keyof typeof cpuVariants;

/** Whether a variant can compute the shape on this adapter. */
export const CPU_CAN = {
  rows: (_pass: Conv2dPass, shape: Conv2dShape) => isPlain(shape) && !shape.half,
  winograd: (pass: Conv2dPass, shape: Conv2dShape, traits: AdapterTraits) =>
    isPlain(shape) &&
    !shape.half &&
    (winogradFits(shape) || (pass === 'forward' && winogradStemFits(shape))) &&
    shuffleLanes(traits) > 0,
};

/** Measured on lavapipe: register tiles win, and Winograd where it saves enough. */
export function fastestOnCpu(pass: Conv2dPass, shape: Conv2dShape): CpuVariant {
  return winogradPays(pass, shape) ? 'winograd' : 'rows';
}

/** Cost of a multiply-add in `rows`, relative to one of Winograd's products. */
const DIRECT: Readonly<Record<Conv2dPass, number>> = { forward: 1, inputGrad: 1, weightGrad: 0.7 };

/** Whether the multiplications that Winograd's convolution saves are worth its transforms, by a tenth at least. */
function winogradPays(pass: Conv2dPass, shape: Conv2dShape): boolean {
  if (winogradStemFits(shape)) return winogradStemPays(shape);
  return winogradCost(pass, shape) < 0.9 * DIRECT[pass] * (conv2dFlops(shape) / 2);
}
