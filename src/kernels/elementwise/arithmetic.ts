/** Accumulation in place and filling, for gradients. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { elementwiseExample, elementwiseRun } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';

const accumulateKernel = defineKernel({
  name: 'accumulate',
  shader: 'elementwise/accumulate.wgsl',
  bindings: { source: 'read', sum: 'read_write' },
  uniforms: { count: 'u32' },
  example: elementwiseExample,
});

/** target += source; `count` elements. The buffers must be different. */
export function accumulate(gpu: Gpu, count: number, source: PooledBuffer, target: PooledBuffer): void {
  launch(gpu, accumulateKernel, {
    buffers: { source, sum: target },
    ...elementwiseRun(gpu.traits.kind, count),
  });
}

const fillKernel = defineKernel({
  name: 'fill',
  shader: 'elementwise/fill.wgsl',
  bindings: { output: 'read_write' },
  uniforms: { count: 'u32', value: 'f32' },
  example: elementwiseExample,
});

/** Sets `count` elements of `target` to `value`. */
export function fill(gpu: Gpu, count: number, value: number, target: PooledBuffer): void {
  const run = elementwiseRun(gpu.traits.kind, count);
  launch(gpu, fillKernel, { ...run, buffers: { output: target }, uniforms: { ...run.uniforms, value } });
}
