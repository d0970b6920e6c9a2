/** Splits sums over workgroups: each slice computes a partial sum, and a second kernel adds them in a fixed order. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { defineNormalisable, launchNormalised, type Normalisation } from './conv2d/normalised.ts';
import { linearGrid } from './grid.ts';
import { halfOf } from './half.ts';
import type { Kernel } from './kernel.ts';

const declaration = {
  name: 'sum_slices',
  shader: 'sum-slices.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { count: 'u32', slices: 'u32', channels: 'u32', plane: 'u32' },
} as const satisfies Kernel;
const kernel = defineNormalisable(declaration);
const kernelHalf = defineNormalisable(halfOf(declaration));

export interface SlicedSum {
  /** Terms of each sum, in units that are never split. */
  readonly terms: number;
  /** Number of sums: the elements of the output. */
  readonly count: number;
  /** Workgroups per slice, and the total number that keeps the device busy. */
  readonly workgroups: number;
  readonly wanted: number;
  /** Minimum terms of a slice, because each slice costs a pass over the output. */
  readonly leastTerms: number;
  /** Label of the sums in timings, such as `forward 4x64x56x56 -> 64, 3x3 /1 +1`. */
  readonly label: string;
  /** Whether the output is f16; the slices are f32. */
  readonly half?: boolean | undefined;
  /** The terms of a slice are a multiple of this; default 1. */
  readonly multiple?: number;
}

/** Applied to the sums before they are written. The output is [batch, channels, plane]. */
export interface AfterSum {
  readonly normalisation: Normalisation;
  readonly channels: number;
  readonly plane: number;
}

/**
 * Cuts the sums into slices, lets `run` write the partial sums to `target` [slices, count], and adds the slices into
 * `output`, normalised if `after` is given. With a single slice `target` is the output, and `run` applies `after`.
 */
export function inSlices(
  gpu: Gpu,
  { terms, count, workgroups, wanted, leastTerms, label, half, multiple = 1 }: SlicedSum,
  output: PooledBuffer,
  run: (target: PooledBuffer, termsPerSlice: number, slices: number) => void,
  after?: AfterSum,
): void {
  const share = Math.ceil(terms / Math.ceil(wanted / workgroups));
  const least = Math.ceil(Math.min(terms, leastTerms) / multiple) * multiple;
  // Rounded down, which gives at least the wanted workgroups; a single slice takes all terms.
  const termsPerSlice = share >= terms ? terms : Math.max(Math.floor(share / multiple) * multiple, least);
  // Without terms the sums are zeros, which one empty slice writes.
  const slices = terms === 0 ? 1 : Math.ceil(terms / termsPerSlice);
  if (slices === 1) {
    run(output, terms, 1);
    return;
  }
  const partial = gpu.pool.acquire(slices * count * 4);
  run(partial, termsPerSlice, slices);
  addSlices(gpu, { slices, count, label, half }, partial, output, after);
  gpu.pool.release(partial);
}

/** output [count] = the sum of `input` [slices, count], in their order; normalised if `after` is given. */
export function addSlices(
  gpu: Gpu,
  { slices, count, label, half }: Pick<SlicedSum, 'count' | 'label' | 'half'> & { readonly slices: number },
  input: PooledBuffer,
  output: PooledBuffer,
  after?: AfterSum,
): void {
  const sum = {
    buffers: { input, output },
    uniforms: { count, slices, channels: after?.channels ?? 1, plane: after?.plane ?? 1 },
    workgroups: linearGrid(count, 64),
    label,
    ...(half && { constants: { half } }),
  };
  launchNormalised(gpu, half ? kernelHalf : kernel, sum, after?.normalisation);
}
