/** Negative log-likelihood of log-probabilities and class indices, and its gradient. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';
import { type ClassOptions, type ClassRows, rowUniforms } from './class-rows.ts';
import type { OutputScale } from './sum.ts';

const rowsKernel = defineKernel({
  name: 'nll_rows',
  shader: 'loss/nll-rows.wgsl',
  bindings: { logProbabilities: 'read', labels: 'read', weight: 'read', losses: 'read_write', shares: 'read_write' },
  uniforms: { rows: 'u32', classes: 'u32', inner: 'u32', ignores: 'u32', ignored: 'u32' },
});

/** The loss of each row [rows] with weights [classes], and the weight of its label [rows]. */
export function nllRows(
  gpu: Gpu,
  size: ClassRows,
  options: ClassOptions,
  buffers: Readonly<Record<'logProbabilities' | 'labels' | 'weight' | 'losses' | 'shares', PooledBuffer>>,
): void {
  launch(gpu, rowsKernel, {
    buffers,
    uniforms: rowUniforms(size, options),
    workgroups: linearGrid(size.rows, 64),
  });
}

const backward = defineKernel({
  name: 'nll_backward',
  shader: 'loss/nll-backward.wgsl',
  bindings: {
    labels: 'read',
    weight: 'read',
    divisor: 'read',
    outputGrad: 'read',
    logProbabilitiesGrad: 'read_write',
  },
  uniforms: { count: 'u32', classes: 'u32', inner: 'u32', ignores: 'u32', ignored: 'u32', step: 'u32' },
});

/** logProbabilitiesGrad = −weight · outputGrad / divisor at the labels, else 0. */
export function nllBackward(
  gpu: Gpu,
  size: ClassRows,
  options: ClassOptions,
  { outputGrad, each }: OutputScale,
  buffers: Readonly<Record<'labels' | 'weight' | 'divisor' | 'logProbabilitiesGrad', PooledBuffer>>,
): void {
  const count = size.rows * size.classes;
  launch(gpu, backward, {
    buffers: { ...buffers, outputGrad },
    uniforms: { ...rowUniforms(size, options), count, step: each ? 1 : 0 },
    workgroups: linearGrid(count, 64),
  });
}
