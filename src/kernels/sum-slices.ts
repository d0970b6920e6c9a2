/** Sums that are split over workgroups: cut into slices, each of which gets a partial sum, added up in a fixed order. */
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
  /** Terms of each sum, in the unit in which it is cut. */
  readonly terms: number;
  /** Sums, which are elements of the output. */
  readonly count: number;
  /** Workgroups that one slice occupies, and how many there are to be in all, so that the device has work. */
  readonly workgroups: number;
  readonly wanted: number;
  /** No slice has fewer terms than this, as each costs a pass over the output. */
  readonly leastTerms: number;
  /** Of the sums in timings, such as `forward 4x64x56x56 -> 64, 3x3 /1 +1`. */
  readonly label: string;
  /** Whether the output is f16; the slices are f32. */
  readonly half?: boolean | undefined;
  /** Terms of a slice are a multiple of this; default 1. */
  readonly multiple?: number;
}

/** What happens to the sums before they are written: the output is [batch, channels, plane]. */
export interface AfterSum {
  readonly normalisation: Normalisation;
  readonly channels: number;
  readonly plane: number;
}

/**
 * Cuts the sums, lets `run` write those of each slice to `target` [slices, count], and adds the slices up into `output`,
 * normalised if wanted. Of one slice the target is the output itself, and `run` does to it what `after` says.
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
  // Rounded down, so that there are as many workgroups as wanted; a single slice takes all.
  const termsPerSlice = share >= terms ? terms : Math.max(Math.floor(share / multiple) * multiple, least);
  // Without terms the sums are zeros, which a slice of none writes.
  const slices = terms === 0 ? 1 : Math.ceil(terms / termsPerSlice);
  if (slices === 1) {
    run(output, terms, 1);
    return;
  }
  const partial = gpu.pool.acquire(slices * count * 4);
  run(partial, termsPerSlice, slices);
  const sum = {
    buffers: { input: partial, output },
    uniforms: { count, slices, channels: after?.channels ?? 1, plane: after?.plane ?? 1 },
    workgroups: linearGrid(count, 64),
    label,
    ...(half && { constants: { half } }),
  };
  launchNormalised(gpu, half ? kernelHalf : kernel, sum, after?.normalisation);
  gpu.pool.release(partial);
}
