/** A copy that exchanges rows and columns, through tiles in workgroup memory: for GPUs. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { stridingGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';
import type { Walk } from '../strides.ts';

const kernel = defineKernel({
  name: 'copy_transpose',
  shader: 'copy/transpose.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: {
    ...{ batches: 'u32', rows: 'u32', columns: 'u32' },
    ...{ inputOffset: 'i32', inputBatch: 'i32', inputColumn: 'i32' },
    ...{ outputOffset: 'i32', outputBatch: 'i32', outputRow: 'i32' },
  },
});

/** Elements along a side of a tile. With less than half of them, most of a tile would be empty. */
const TILE = 32;
const MOST_TILES = 65535;

/** Whether a walk [rows, columns] or [batches, rows, columns] moves a contiguous side of the input to the other side. */
export function isTranspose({ extents, strides }: Walk): boolean {
  const [rows, columns] = extents.slice(-2);
  const [input, output] = strides as [readonly number[], readonly number[]];
  if (rows === undefined || columns === undefined || extents.length > 3) return false;
  const large = [rows, columns].every((extent) => extent >= TILE / 2 && extent <= TILE * MOST_TILES);
  return large && input.at(-2) === 1 && output.at(-1) === 1;
}

/** Copies such a walk. */
export function copyTransposed(
  gpu: Gpu,
  { extents, strides }: Walk,
  buffers: Readonly<Record<'input' | 'output', PooledBuffer>>,
  [inputOffset, outputOffset]: readonly [input: number, output: number],
): void {
  const [rows, columns] = extents.slice(-2) as [number, number];
  const batches = extents.length === 3 ? extents[0]! : 1;
  const [input, output] = strides as [readonly number[], readonly number[]];
  launch(gpu, kernel, {
    buffers,
    uniforms: {
      ...{ batches, rows, columns },
      ...{ inputOffset, inputBatch: input.at(-3) ?? 0, inputColumn: input.at(-1)! },
      ...{ outputOffset, outputBatch: output.at(-3) ?? 0, outputRow: output.at(-2)! },
    },
    workgroups: [Math.ceil(columns / TILE), Math.ceil(rows / TILE), stridingGrid(batches)],
    label: extents.join('x'),
  });
}
