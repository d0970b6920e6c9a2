/** Adds up the slices of a sum that was split over workgroups, in a fixed order. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { defineKernel, launch, linearGrid } from './kernel.ts';

const kernel = defineKernel({
  name: 'sum_slices',
  shader: 'sum-slices.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { count: 'u32', slices: 'u32' },
});

/** output[i] = Σ input[slice][i] over `slices` slices of `count` elements. */
export function sumSlices(gpu: Gpu, count: number, slices: number, input: PooledBuffer, output: PooledBuffer): void {
  launch(gpu, kernel, { buffers: { input, output }, uniforms: { count, slices }, workgroups: linearGrid(count, 64) });
}
