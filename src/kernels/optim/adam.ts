/** Adam and AdamW as in torch.optim: one parameter per dispatch, in place. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { elementwiseExample, elementwiseRun } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';

export interface AdamStep {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  /** Whether the weights decay by themselves (AdamW) and not by the gradient (Adam). */
  readonly decoupled: boolean;
  /** Number of this step, from 1. */
  readonly step: number;
}

const kernel = defineKernel({
  name: 'adam',
  shader: 'optim/adam.wgsl',
  bindings: { param: 'read_write', grad: 'read', expAvg: 'read_write', expAvgSq: 'read_write' },
  uniforms: {
    count: 'u32',
    stepSize: 'f32',
    beta1: 'f32',
    keep1: 'f32',
    beta2: 'f32',
    keep2: 'f32',
    correction: 'f32',
    eps: 'f32',
    decay: 'f32',
  },
  example: { ...elementwiseExample, decoupled: true },
});

/** Runs one step on `count` elements. Before the first step both averages are zeros. */
export function adamStep(
  gpu: Gpu,
  count: number,
  { lr, betas: [beta1, beta2], eps, weightDecay, decoupled, step }: AdamStep,
  buffers: Readonly<Record<'param' | 'grad' | 'expAvg' | 'expAvgSq', PooledBuffer>>,
): void {
  const { uniforms, constants, ...run } = elementwiseRun(gpu.traits.kind, count);
  launch(gpu, kernel, {
    ...run,
    buffers,
    uniforms: {
      ...uniforms,
      stepSize: lr / (1 - beta1 ** step),
      beta1,
      keep1: 1 - beta1,
      beta2,
      keep2: 1 - beta2,
      correction: Math.sqrt(1 - beta2 ** step),
      eps,
      decay: decoupled ? 1 - lr * weightDecay : weightDecay,
    },
    constants: { ...constants, decoupled },
  });
}
