/** Copies between f32 and f16. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { elementwiseExample, elementwiseRun } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';

const kernel = defineKernel({
  name: 'convert',
  shader: 'elementwise/convert.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { count: 'u32' },
  example: { ...elementwiseExample, toHalf: true },
});

/** output = input; `count` elements. With `toHalf` from f32 to f16, else from f16 to f32. */
export function convert(gpu: Gpu, count: number, toHalf: boolean, input: PooledBuffer, output: PooledBuffer): void {
  const { constants, ...run } = elementwiseRun(gpu.traits.kind, count);
  launch(gpu, kernel, { ...run, buffers: { input, output }, constants: { ...constants, toHalf } });
}
