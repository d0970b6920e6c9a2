/** Which variant of a convolution runs: a pure function of pass, shape and adapter. */
import type { AdapterTraits } from '../gpu/gpu.ts';
import { rows } from './conv2d-rows.ts';
import { type Conv2dKernels, type Conv2dShape, conv2dFlops } from './conv2d-shape.ts';
import { tiled } from './conv2d-tiled.ts';
import { shuffleLanes } from './shuffle-lanes.ts';
import { winograd } from './winograd.ts';
import { winogradCost, winogradFits } from './winograd-shape.ts';

export type Conv2dPass = keyof Conv2dKernels;

/**
 * `rows`: register tiles fed from memory, for CPU adapters, where every load costs per invocation and workgroup memory is
 * no cheaper than a buffer. `winograd`: the same for 3×3 kernels with stride 1, with a quarter of the multiplications and
 * about twice the rounding error. `tiled`: tiles in workgroup memory, for GPUs. Rows and tiled compute every shape on every
 * adapter.
 */
export const conv2dVariants = { rows, winograd, tiled } satisfies Record<string, Conv2dKernels>;
export type Conv2dVariant = keyof typeof conv2dVariants;

let forced: Conv2dVariant | undefined;

/** Makes every choice the given variant where it can compute the shape, or free again with `undefined`. For tests and benchmarks. */
export function forceConv2dVariant(variant: Conv2dVariant | undefined): void {
  forced = variant;
}

export function chooseConv2d(pass: Conv2dPass, shape: Conv2dShape, traits: AdapterTraits): Conv2dVariant {
  const wanted = forced ?? (traits.kind === 'gpu' ? 'tiled' : winogradPays(pass, shape) ? 'winograd' : 'rows');
  return wanted !== 'winograd' || (winogradFits(shape) && shuffleLanes(traits) > 0) ? wanted : 'rows';
}

/** What a multiply-add costs the direct kernels, relative to one of Winograd's products. */
const DIRECT: Readonly<Record<Conv2dPass, number>> = { forward: 1, inputGrad: 1, weightGrad: 0.7 };

/** Whether the multiplications that Winograd's convolution saves are worth its transforms, by a tenth at least. */
function winogradPays(pass: Conv2dPass, shape: Conv2dShape): boolean {
  return winogradCost(pass, shape) < 0.9 * DIRECT[pass] * (conv2dFlops(shape) / 2);
}
