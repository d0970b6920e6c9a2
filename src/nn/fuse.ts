/**
 * Recognises neighbours in a chain that one op computes in fewer passes over memory: a convolution, its batch norm, a
 * residual and an activation. The values are the same.
 */
import { expectShape, ShapeError } from '../autograd/errors.ts';
import { ACTIVATIONS, conv2dBatchNorm2d, fusedActivation } from '../autograd/ops/conv2d-batch-norm2d.ts';
import { add, relu } from '../autograd/ops/elementwise.ts';
import { scope } from '../autograd/scope.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { FusedActivation } from '../kernels/conv2d/normalised.ts';
import { BatchNorm2d } from './batch-norm2d.ts';
import { Conv2d } from './conv2d.ts';
import { Module } from './module.ts';
import { ReLU } from './relu.ts';

/** Computes a tensor from a tensor: a module, or an op. */
export type Step = Module | ((input: Tensor) => Tensor);

const residuals = new WeakMap<(input: Tensor) => Tensor, () => Tensor>();

/** The step that adds a residual of the same shape. `residual` is called when the chain gets here. */
export function plus(residual: () => Tensor): (input: Tensor) => Tensor {
  const step = (input: Tensor) => scope(() => add(input, residual()));
  residuals.set(step, residual);
  return step;
}

/** Returns functions that compute the same, some of them several steps at once. */
export function fuse(steps: readonly Step[]): ((input: Tensor) => Tensor)[] {
  const fused: ((input: Tensor) => Tensor)[] = [];
  for (let i = 0; i < steps.length; ) {
    const conv = isPlain(steps[i], Conv2d) ? steps[i] : undefined;
    const norm = steps[conv ? i + 1 : i];
    if (!isPlain(norm, BatchNorm2d)) {
      const step = steps[i++]!;
      fused.push(typeof step === 'function' ? step : (x) => step.call(x));
      continue;
    }
    i += conv ? 2 : 1;
    const sum = steps[i];
    const residual = typeof sum === 'function' ? residuals.get(sum) : undefined;
    if (residual) i++;
    const last = isRelu(steps[i]);
    if (last) i++;
    // Only inference applies another activation in the same pass, and only a convolution does.
    const activation = conv && !last ? fusedActivation(steps[i]) : undefined;
    if (activation) i++;
    const after = { residual, relu: last, activation };
    fused.push(conv ? (x) => convBatchNorm(conv as Conv2d, norm, x, after) : (x) => batchNorm(norm, x, after));
  }
  return fused;
}

interface After {
  readonly residual: (() => Tensor) | undefined;
  readonly relu: boolean;
  readonly activation?: FusedActivation | undefined;
}

function batchNorm(norm: BatchNorm2d, input: Tensor, { residual, relu }: After): Tensor {
  return scope(() => norm.callFused(input, { residual: residual?.(), relu }));
}

/** In evaluation mode, if no gradient is required, the convolution normalises what it writes. */
function convBatchNorm(conv: Conv2d, norm: BatchNorm2d, input: Tensor, after: After): Tensor {
  if (conv.outChannels !== norm.channels) {
    throw new ShapeError(
      `BatchNorm2d: input must have ${norm.channels} channels, got the ${conv.outChannels} of the convolution before it.`,
    );
  }
  const { residual, relu, activation } = after;
  if (norm.training || conv.bias) {
    return scope(() => {
      const normalised = batchNorm(norm, conv.call(input), after);
      return activation ? ACTIVATIONS[activation](normalised) : normalised;
    });
  }
  const { training, eps } = norm;
  const { weight, stride, padding, dilation, groups } = conv;
  expectShape('Conv2d', 'input', input, ['N', conv.inChannels, 'H', 'W']);
  const options = { stride, padding, dilation, groups };
  return scope(() =>
    conv2dBatchNorm2d(input, weight, norm, { training, eps, residual: residual?.(), relu, activation, ...options }),
  );
}

/** Whether a step is a module of this class whose computation nobody has replaced. */
function isPlain<M extends Module>(step: Step | undefined, type: { readonly prototype: M }): step is M {
  return step instanceof Module && step.forward === type.prototype.forward && step.call === Module.prototype.call;
}

function isRelu(step: Step | undefined): boolean {
  return step === relu || isPlain(step, ReLU);
}
