/** Softmax over the middle of [outer, terms, inner], or its logarithm, and the gradient. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch } from '../kernel.ts';
import { passExample, passRun, passUniforms, type Reduction } from './passes.ts';

const forward = defineKernel({
  name: 'softmax_forward',
  shader: 'reduction/softmax-forward.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: passUniforms,
  example: { ...passExample, log: false },
});

const backward = defineKernel({
  name: 'softmax_backward',
  shader: 'reduction/softmax-backward.wgsl',
  bindings: { output: 'read', outputGrad: 'read', inputGrad: 'read_write' },
  uniforms: passUniforms,
  example: { ...passExample, log: true },
});

/** The launch over whole rows. */
function rowsRun(gpu: Gpu, reduction: Reduction, log: boolean) {
  const run = passRun(gpu.traits.kind, { ...reduction, slices: 1, share: reduction.terms });
  return { ...run, constants: { ...run.constants, log } };
}

/** output = softmax of input over the terms, or its logarithm. */
export function softmaxForward(
  gpu: Gpu,
  reduction: Reduction,
  log: boolean,
  input: PooledBuffer,
  output: PooledBuffer,
): void {
  launch(gpu, forward, { ...rowsRun(gpu, reduction, log), buffers: { input, output } });
}

/** inputGrad from the output of `softmaxForward` and its gradient. */
export function softmaxBackward(
  gpu: Gpu,
  reduction: Reduction,
  log: boolean,
  buffers: Readonly<Record<'output' | 'outputGrad' | 'inputGrad', PooledBuffer>>,
): void {
  launch(gpu, backward, { ...rowsRun(gpu, reduction, log), buffers });
}
