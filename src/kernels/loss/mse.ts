/** Squared differences and their gradient. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch } from '../kernel.ts';
import { eachOf, type LossRun, type OutputScale, runsExample } from './sum.ts';

const forward = defineKernel({
  name: 'mse',
  shader: 'loss/mse.wgsl',
  bindings: { input: 'read', wanted: 'read', output: 'read_write' },
  uniforms: { count: 'u32' },
  example: runsExample,
});

/** output = (input − wanted)², `count` values, each or summed in runs. */
export function mse(
  gpu: Gpu,
  count: number,
  run: LossRun,
  buffers: Readonly<Record<'input' | 'wanted' | 'output', PooledBuffer>>,
): void {
  launch(gpu, forward, { ...run, buffers, uniforms: { count } });
}

const backward = defineKernel({
  name: 'mse_backward',
  shader: 'loss/mse-backward.wgsl',
  bindings: { input: 'read', wanted: 'read', outputGrad: 'read', output: 'read_write' },
  uniforms: { count: 'u32', step: 'u32', factor: 'f32' },
  example: runsExample,
});

/** output = factor · (input − wanted) · outputGrad, `count` values. */
export function mseBackward(
  gpu: Gpu,
  count: number,
  factor: number,
  { outputGrad, each }: OutputScale,
  buffers: Readonly<Record<'input' | 'wanted' | 'output', PooledBuffer>>,
): void {
  launch(gpu, backward, {
    ...eachOf(count),
    buffers: { ...buffers, outputGrad },
    uniforms: { count, step: each ? 1 : 0, factor },
  });
}
