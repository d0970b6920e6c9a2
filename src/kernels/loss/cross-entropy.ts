/** Mean cross entropy of logits and class indices, and its gradient. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { stridingGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';

/** logits [rows, classes]. */
export interface ClassRows {
  readonly rows: number;
  readonly classes: number;
}

const rowsKernel = defineKernel({
  name: 'cross_entropy_rows',
  shader: 'loss/cross-entropy-rows.wgsl',
  bindings: { logits: 'read', labels: 'read', losses: 'read_write', rows: 'read_write' },
  uniforms: { rows: 'u32', classes: 'u32' },
});

/** Computes the loss of each row [rows]; for backward, also the maximum and log-sum of each row [rows, 2]. */
export function crossEntropyRows(
  gpu: Gpu,
  { rows, classes }: ClassRows,
  buffers: Readonly<Record<'logits' | 'labels' | 'losses' | 'rows', PooledBuffer>>,
): void {
  launch(gpu, rowsKernel, { buffers, uniforms: { rows, classes }, workgroups: [stridingGrid(rows), 1, 1] });
}

const meanKernel = defineKernel({
  name: 'cross_entropy_mean',
  shader: 'loss/cross-entropy-mean.wgsl',
  bindings: { losses: 'read', output: 'read_write' },
  uniforms: { rows: 'u32' },
});

/** output = mean of losses [rows]. */
export function crossEntropyMean(gpu: Gpu, rows: number, losses: PooledBuffer, output: PooledBuffer): void {
  launch(gpu, meanKernel, { buffers: { losses, output }, uniforms: { rows }, workgroups: [1, 1, 1] });
}

const backward = defineKernel({
  name: 'cross_entropy_backward',
  shader: 'loss/cross-entropy-backward.wgsl',
  bindings: { logits: 'read', labels: 'read', rows: 'read', outputGrad: 'read', logitsGrad: 'read_write' },
  uniforms: { rows: 'u32', classes: 'u32' },
});

/** logitsGrad = (softmax(logits) − onehot(labels)) / rows · outputGrad. */
export function crossEntropyBackward(
  gpu: Gpu,
  { rows, classes }: ClassRows,
  buffers: Readonly<Record<'logits' | 'labels' | 'rows' | 'outputGrad' | 'logitsGrad', PooledBuffer>>,
): void {
  launch(gpu, backward, {
    buffers,
    uniforms: { rows, classes },
    workgroups: [stridingGrid(classes, 64), stridingGrid(rows), 1],
  });
}
