/**
 * Rows of a tensor by their indices, and the gradient: a sum over equal indices, without atomics and in a fixed order.
 * For that the indices are sorted, and each row adds the gradients of its own.
 */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch } from '../kernel.ts';
import { runExample, runOver } from './run.ts';

/** The input is [outer, extent, inner], the output [outer, picked, inner]; the index has `picked` values. */
export interface Selection {
  readonly outer: number;
  readonly extent: number;
  readonly inner: number;
  readonly picked: number;
}

const forward = defineKernel({
  name: 'index_select',
  shader: 'copy/index-select.wgsl',
  bindings: { input: 'read', index: 'read', output: 'read_write' },
  uniforms: { count: 'u32', picked: 'u32', extent: 'u32', inner: 'u32', missing: 'u32' },
  example: { ...runExample, vector: true },
});

const backward = defineKernel({
  name: 'index_select_backward',
  shader: 'copy/index-select-backward.wgsl',
  bindings: { sorted: 'read', starts: 'read', outputGrad: 'read', inputGrad: 'read_write' },
  uniforms: { count: 'u32', picked: 'u32', extent: 'u32', inner: 'u32', without: 'u32' },
  example: { ...runExample, vector: true },
});

/** The launch over the rows of a tensor, four elements at a time if the rows divide into them. */
function rowsRun(gpu: Gpu, { outer, extent, inner, picked }: Selection, rows: number) {
  const vector = inner % 4 === 0;
  const values = vector ? inner / 4 : inner;
  const count = outer * rows * values;
  const { workgroups, constants } = runOver(gpu.traits.kind, count);
  return {
    uniforms: { count, picked, extent, inner: values },
    workgroups,
    constants: { ...constants, vector },
    label: `${outer}x${extent}x${inner} by ${picked}`,
  };
}

/**
 * output[o, j, i] = input[o, index[j], i]; elements of four bytes. A row whose index is `extent` or more has the bits
 * `missing` everywhere.
 */
export function indexSelect(
  gpu: Gpu,
  selection: Selection,
  missing: number,
  buffers: Readonly<Record<'input' | 'index' | 'output', PooledBuffer>>,
): void {
  const run = rowsRun(gpu, selection, selection.picked);
  launch(gpu, forward, { ...run, buffers, uniforms: { ...run.uniforms, missing } });
}

/**
 * inputGrad[o, v, i] = sum of outputGrad[o, j, i] over the j with index[j] = v, in a fixed order; f32. Indices of
 * `extent` or more are left out. Any of the counts may be 0. The row `without`, if there is one, gets 0.
 */
export function indexSelectBackward(
  gpu: Gpu,
  selection: Selection,
  { index, outputGrad, inputGrad }: Readonly<Record<'index' | 'outputGrad' | 'inputGrad', PooledBuffer>>,
  without = selection.extent,
): void {
  const { extent, picked } = selection;
  const sorted = sortIndices(gpu, picked, index);
  const starts = gpu.pool.acquire((extent + 1) * 4);
  launch(gpu, startsKernel, {
    buffers: { sorted, starts },
    uniforms: { count: extent + 1, pairs: picked },
    ...runOver(gpu.traits.kind, extent + 1),
  });
  const run = rowsRun(gpu, selection, extent);
  launch(gpu, backward, {
    ...run,
    buffers: { sorted, starts, outputGrad, inputGrad },
    uniforms: { ...run.uniforms, without },
  });
  gpu.pool.release(sorted);
  gpu.pool.release(starts);
}

/** The indices that one pass sorts by counting: the work of each grows with the block, and a smaller one needs a pass. */
const BLOCK = 64;

const blocks = defineKernel({
  name: 'index_sort_blocks',
  shader: 'copy/index-sort-blocks.wgsl',
  bindings: { index: 'read', sorted: 'read_write' },
  uniforms: { count: 'u32' },
  example: { ...runExample, block: BLOCK },
});

const merge = defineKernel({
  name: 'index_sort_merge',
  shader: 'copy/index-sort-merge.wgsl',
  bindings: { input: 'read', sorted: 'read_write' },
  uniforms: { count: 'u32', width: 'u32' },
  example: runExample,
});

const startsKernel = defineKernel({
  name: 'index_starts',
  shader: 'copy/index-starts.wgsl',
  bindings: { sorted: 'read', starts: 'read_write' },
  uniforms: { count: 'u32', pairs: 'u32' },
  example: runExample,
});

/** The pairs (index[j], j), u32 each, sorted. The caller releases the buffer. */
function sortIndices(gpu: Gpu, count: number, index: PooledBuffer): PooledBuffer {
  const { workgroups, constants } = runOver(gpu.traits.kind, count);
  let sorted = gpu.pool.acquire(count * 8);
  launch(gpu, blocks, {
    buffers: { index, sorted },
    uniforms: { count },
    workgroups,
    constants: { ...constants, block: BLOCK },
  });
  for (let width = BLOCK; width < count; width *= 2) {
    const input = sorted;
    sorted = gpu.pool.acquire(count * 8);
    launch(gpu, merge, { buffers: { input, sorted }, uniforms: { count, width }, workgroups, constants });
    gpu.pool.release(input);
  }
  return sorted;
}
