/** ReLU, forward and backward. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { defineKernel, launch, linearGrid } from './kernel.ts';

/** Elements per workgroup of the elementwise shaders: 64 invocations of 8. */
export const ELEMENTWISE_GROUP = 512;

const forward = defineKernel({
  name: 'relu_forward',
  shader: 'relu-forward.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { count: 'u32' },
});

/** output = max(input, 0); `count` elements. */
export function reluForward(gpu: Gpu, count: number, input: PooledBuffer, output: PooledBuffer): void {
  launch(gpu, forward, {
    buffers: { input, output },
    uniforms: { count },
    workgroups: linearGrid(count, ELEMENTWISE_GROUP),
  });
}

const backward = defineKernel({
  name: 'relu_backward',
  shader: 'relu-backward.wgsl',
  bindings: { output: 'read', outputGrad: 'read', inputGrad: 'read_write' },
  uniforms: { count: 'u32' },
});

/** inputGrad = outputGrad where output > 0, else 0; `count` elements. */
export function reluBackward(
  gpu: Gpu,
  count: number,
  output: PooledBuffer,
  outputGrad: PooledBuffer,
  inputGrad: PooledBuffer,
): void {
  launch(gpu, backward, {
    buffers: { output, outputGrad, inputGrad },
    uniforms: { count },
    workgroups: linearGrid(count, ELEMENTWISE_GROUP),
  });
}
