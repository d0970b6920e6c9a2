/** Products for GPUs: tiles in workgroup memory (parts/tiles.wgsl), as in the convolutions. */
import type { Gpu } from '../../gpu/gpu.ts';
import { defineKernel, launch } from '../kernel.ts';
import { DEPTH, TILE, WANTED_WORKGROUPS } from '../tiles.ts';
import { isAlong, launchesOf, type Product, type ProductKernel, type ProductRun, productUniforms } from './product.ts';

const kernel = defineKernel({
  name: 'matmul_tiled',
  shader: 'matmul/tiled.wgsl',
  bindings: { a: 'read', b: 'read', bias: 'read', output: 'read_write' },
  uniforms: productUniforms,
  example: { vector: true, along: true, bias: true },
});

const grid = ({ row, column }: Product) => [Math.ceil(column.extent / TILE), Math.ceil(row.extent / TILE)] as const;

/** Whether all vectors of 4 depths of `a` begin at a multiple of 4. */
function loadsVectors({ row, depth, batch }: Product, { a: start }: ProductRun['start']): boolean {
  return depth.a === 1 && [start, row.a, ...batch.map(({ a }) => a)].every((distance) => distance % 4 === 0);
}

function run(gpu: Gpu, run: ProductRun): void {
  const { product, start, a, b, bias, output, label } = run;
  for (const { uniforms, z } of launchesOf(run)) {
    launch(gpu, kernel, {
      // Without a bias the shader does not read its binding, but WebGPU requires a buffer there.
      buffers: { a, b, bias: bias ?? a, output },
      uniforms,
      workgroups: [...grid(product), z],
      constants: {
        vector: loadsVectors(product, start),
        along: isAlong(product, 'b'),
        bias: bias !== undefined,
      },
      label,
    });
  }
}

export const tiled: ProductKernel = {
  grid,
  wanted: () => WANTED_WORKGROUPS,
  leastDepths: DEPTH,
  multiple: DEPTH,
  run,
};
