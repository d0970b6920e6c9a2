/** Stochastic gradient descent as in torch.optim.SGD: one parameter per dispatch, in place. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { elementwiseExample, elementwiseRun } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';

export interface SgdStep {
  readonly lr: number;
  /** 0 for none: then there is no momentum buffer, and dampening and nesterov have no effect. */
  readonly momentum: number;
  readonly dampening: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
  /** Whether this is the parameter's first step: it writes the momentum buffer without reading it, undampened. */
  readonly first: boolean;
}

const momentumKernel = defineKernel({
  name: 'sgd_momentum',
  shader: 'optim/sgd-momentum.wgsl',
  bindings: { param: 'read_write', grad: 'read', buffer: 'read_write' },
  uniforms: { count: 'u32', lr: 'f32', momentum: 'f32', keep: 'f32', weightDecay: 'f32' },
  example: { ...elementwiseExample, first: false, nesterov: true },
});

const plainKernel = defineKernel({
  name: 'sgd_plain',
  shader: 'optim/sgd-plain.wgsl',
  bindings: { param: 'read_write', grad: 'read' },
  uniforms: { count: 'u32', lr: 'f32', weightDecay: 'f32' },
  example: elementwiseExample,
});

/**
 * Runs one step on `count` elements.
 * @throws TypeError if `momentum` is not 0 and `momentumBuffer` is missing
 */
export function sgdStep(
  gpu: Gpu,
  count: number,
  step: SgdStep,
  param: PooledBuffer,
  grad: PooledBuffer,
  momentumBuffer?: PooledBuffer,
): void {
  const { lr, momentum, dampening, weightDecay, nesterov, first } = step;
  const { uniforms, constants, ...run } = elementwiseRun(gpu.traits.kind, count);
  if (momentum === 0) {
    const all = { ...uniforms, lr, weightDecay };
    launch(gpu, plainKernel, { ...run, buffers: { param, grad }, uniforms: all, constants });
    return;
  }
  if (!momentumBuffer) throw new TypeError(`sgdStep: momentum ${momentum} needs a momentum buffer, got none.`);
  launch(gpu, momentumKernel, {
    ...run,
    buffers: { param, grad, buffer: momentumBuffer },
    uniforms: { ...uniforms, lr, momentum, keep: 1 - dampening, weightDecay },
    constants: { ...constants, first, nesterov },
  });
}
