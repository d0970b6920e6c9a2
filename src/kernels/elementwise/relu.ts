/** ReLU, forward and backward. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { elementwiseExample, elementwiseRun } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';

const forward = defineKernel({
  name: 'relu_forward',
  shader: 'elementwise/relu-forward.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { count: 'u32' },
  example: elementwiseExample,
});

/** output = max(input, 0); `count` elements. */
export function reluForward(gpu: Gpu, count: number, input: PooledBuffer, output: PooledBuffer): void {
  launch(gpu, forward, {
    buffers: { input, output },
    ...elementwiseRun(gpu.traits.kind, count),
  });
}

const backward = defineKernel({
  name: 'relu_backward',
  shader: 'elementwise/relu-backward.wgsl',
  bindings: { output: 'read', outputGrad: 'read', inputGrad: 'read_write' },
  uniforms: { count: 'u32' },
  example: elementwiseExample,
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
    ...elementwiseRun(gpu.traits.kind, count),
  });
}
