/**
 * The convolutions for CPU adapters: two variants, the shapes that each can compute, and the faster one for a shape.
 * The rest of the project imports only this file of the folder; only its tests import others.
 */
import type { AdapterTraits } from '../../../gpu/gpu.ts';
import { shuffleLanes } from '../../shuffle-lanes.ts';
import { type Conv2dPass, conv2dFlops, isPlain } from '../shape.ts';
import type { Conv2dWork } from '../work.ts';
import { rows } from './rows.ts';
import { winogradStemFits, winogradStemPays } from './stem.ts';
import { winograd } from './winograd.ts';
import { winogradCost, winogradFits } from './winograd-shape.ts';

/**
 * `rows` keeps tiles in registers and loads from buffers: every load costs per invocation, and workgroup memory costs
 * as much as a buffer. `winograd` does the same for 3×3 kernels with stride 1, and for a first layer's forward pass. It
 * needs a quarter to half of the multiplications, and its rounding error is about twice as large.
 */
export const cpuVariants = { rows, winograd };
export type CpuVariant = keyof typeof cpuVariants;

/** Returns whether a variant can compute the shape on this adapter. */
export const CPU_CAN = {
  rows: ({ shape }: Conv2dWork) => !shape.half,
  winograd: ({ pass, shape, frozen }: Conv2dWork, traits: AdapterTraits) =>
    isPlain(shape) &&
    !shape.half &&
    (winogradFits(shape, frozen) || (pass === 'forward' && winogradStemFits(shape))) &&
    shuffleLanes(traits) > 0,
};

/** Returns the faster variant. Measured on lavapipe: register tiles win, except where Winograd saves enough. */
export function fastestOnCpu(work: Conv2dWork): CpuVariant {
  return winogradPays(work) ? 'winograd' : 'rows';
}

/** Cost of a multiply-add in `rows`, relative to one of Winograd's products. */
const DIRECT: Readonly<Record<Conv2dPass, number>> = { forward: 1, inputGrad: 1, weightGrad: 0.7 };

/** Returns whether the multiplications that Winograd saves outweigh its transforms, by at least a tenth. */
function winogradPays({ pass, shape, frozen }: Conv2dWork): boolean {
  if (winogradStemFits(shape)) return winogradStemPays(shape);
  return winogradCost(pass, shape, frozen) < 0.9 * DIRECT[pass] * (conv2dFlops(shape) / 2);
}
