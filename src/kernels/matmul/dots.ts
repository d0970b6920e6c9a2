/** Products by dot products, eight invocations each: for few rows or columns, and small matrices. */
import type { Gpu } from '../../gpu/gpu.ts';
import { linearGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';
import { launchesOf, type Product, type ProductKernel, type ProductRun, productUniforms } from './product.ts';

const kernel = defineKernel({
  name: 'matmul_dots',
  shader: 'matmul/dots.wgsl',
  bindings: { a: 'read', b: 'read', output: 'read_write' },
  uniforms: productUniforms,
});

/** Elements of the output per workgroup, as in the shader. */
const OUTPUTS = 8;
/** Depths of a turn of the shader's loop. */
const DEPTHS = 32;
const WANTED_WORKGROUPS = { cpu: 16, gpu: 256 } as const;

function grid({ row, column }: Product) {
  const [x, y] = linearGrid(row.extent * column.extent, OUTPUTS);
  return [x, y] as const;
}

function run(gpu: Gpu, run: ProductRun): void {
  const { product, a, b, output, label } = run;
  for (const { uniforms, z } of launchesOf(run)) {
    launch(gpu, kernel, { buffers: { a, b, output }, uniforms, workgroups: [...grid(product), z], label });
  }
}

export const dots: ProductKernel = {
  grid,
  wanted: ({ kind }) => WANTED_WORKGROUPS[kind],
  leastDepths: 16 * DEPTHS,
  multiple: DEPTHS,
  run,
};
