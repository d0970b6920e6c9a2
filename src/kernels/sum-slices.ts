/** Sums that are split over workgroups: cut into slices, each of which gets a partial sum, added up in a fixed order. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { linearGrid } from './grid.ts';
import { defineKernel, launch } from './kernel.ts';

const kernel = defineKernel({
  name: 'sum_slices',
  shader: 'sum-slices.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { count: 'u32', slices: 'u32' },
});

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
}

/**
 * Cuts the sums, lets `run` write those of each slice to `target` [slices, count], and adds the slices up into `output`.
 * Of one slice the target is the output itself.
 */
export function inSlices(
  gpu: Gpu,
  { terms, count, workgroups, wanted, leastTerms }: SlicedSum,
  output: PooledBuffer,
  run: (target: PooledBuffer, termsPerSlice: number, slices: number) => void,
): void {
  const termsPerSlice = Math.max(Math.ceil(terms / Math.ceil(wanted / workgroups)), Math.min(terms, leastTerms));
  const slices = Math.ceil(terms / termsPerSlice);
  if (slices === 1) {
    run(output, termsPerSlice, slices);
    return;
  }
  const partial = gpu.pool.acquire(slices * count * 4);
  run(partial, termsPerSlice, slices);
  launch(gpu, kernel, {
    buffers: { input: partial, output },
    uniforms: { count, slices },
    workgroups: linearGrid(count, 64),
  });
  gpu.pool.release(partial);
}
