/** Counts correct predictions on the device, which avoids reading back in a step. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { stridingGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';
import type { ClassRows } from './class-rows.ts';

const rowsKernel = defineKernel({
  name: 'correct_rows',
  shader: 'loss/correct-rows.wgsl',
  bindings: { logits: 'read', labels: 'read', correct: 'read_write' },
  uniforms: { rows: 'u32', classes: 'u32' },
});

/** correct [rows] (u32) = 1 where the first maximum of a row is its label, else 0. */
export function correctRows(
  gpu: Gpu,
  { rows, classes }: Omit<ClassRows, 'inner'>,
  logits: PooledBuffer,
  labels: PooledBuffer,
  correct: PooledBuffer,
): void {
  launch(gpu, rowsKernel, {
    buffers: { logits, labels, correct },
    uniforms: { rows, classes },
    workgroups: [stridingGrid(rows), 1, 1],
  });
}

const sumKernel = defineKernel({
  name: 'correct_sum',
  shader: 'loss/correct-sum.wgsl',
  bindings: { correct: 'read', output: 'read_write' },
  uniforms: { rows: 'u32' },
});

/** output (u32) = sum of correct [rows]. */
export function correctSum(gpu: Gpu, rows: number, correct: PooledBuffer, output: PooledBuffer): void {
  launch(gpu, sumKernel, { buffers: { correct, output }, uniforms: { rows }, workgroups: [1, 1, 1] });
}
