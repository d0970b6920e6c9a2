/** Batch normalisation of images (S. Ioffe and C. Szegedy, 2015). */
import { type BatchNormOptions, batchNorm2d } from '../autograd/ops/batch-norm2d.ts';
import { conv2dBatchNorm2d } from '../autograd/ops/conv2d-batch-norm2d.ts';
import { scope } from '../autograd/scope.ts';
import { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Conv2d } from './conv2d.ts';
import { Module } from './module.ts';
import { Counter } from './state-dict.ts';

/** Options of a BatchNorm2d. */
export interface BatchNorm2dOptions {
  /** Added to the variance inside the square root; default 1e-5. */
  readonly eps?: number;
  /** Share of the new batch in the running statistics; default 0.1. */
  readonly momentum?: number;
}

/**
 * Normalises each channel of [N, channels, H, W], then scales and shifts it. In training mode with the mean and variance
 * of the batch, which also move the running ones; in evaluation mode with the running ones.
 */
export class BatchNorm2d extends Module {
  /** [channels], starts at 1. */
  readonly weight: Tensor;
  /** [channels], starts at 0. */
  readonly bias: Tensor;
  /** [channels], starts at 0. */
  readonly runningMean: Tensor;
  /** [channels], starts at 1. */
  readonly runningVar: Tensor;
  /** Batches that moved the running statistics. */
  readonly batchesTracked: Counter;
  readonly eps: number;
  readonly momentum: number;

  constructor(gpu: Gpu, channels: number, { eps = 1e-5, momentum = 0.1 }: BatchNorm2dOptions = {}) {
    super();
    this.eps = eps;
    this.momentum = momentum;
    const ones = new Float32Array(channels).fill(1);
    this.weight = this.registerParameter('weight', Tensor.from(gpu, ones, [channels]));
    this.bias = this.registerParameter('bias', Tensor.zeros(gpu, [channels]));
    this.runningMean = this.registerBuffer('running_mean', Tensor.zeros(gpu, [channels]));
    this.runningVar = this.registerBuffer('running_var', Tensor.from(gpu, ones, [channels]));
    this.batchesTracked = this.registerBuffer('num_batches_tracked', new Counter());
  }

  override forward(input: Tensor): Tensor {
    return this.#normalise(input, {});
  }

  /**
   * relu(call(input) + residual), of `call(input)` alone without one, in the same passes over memory. The residual has the
   * input's shape.
   */
  callThenRelu(input: Tensor, residual?: Tensor): Tensor {
    return scope(() => this.#normalise(input, { residual, relu: true }));
  }

  /**
   * call(conv.call(input)), then with the residual and ReLU as in `callThenRelu`. In evaluation mode, where no gradient is
   * wanted, in one pass with the convolution; the numbers are the same. `residual` is called after the convolution.
   */
  callAfter(
    conv: Conv2d,
    input: Tensor,
    { residual, relu }: { readonly residual?: (() => Tensor) | undefined; readonly relu: boolean },
  ): Tensor {
    if (this.training || conv.bias) {
      return scope(() => {
        const convolved = conv.call(input);
        const added = residual?.();
        return relu ? this.callThenRelu(convolved, added) : this.#normalise(convolved, { residual: added });
      });
    }
    const { training, eps } = this;
    const { weight, stride, padding } = conv;
    return scope(() =>
      conv2dBatchNorm2d(input, weight, this, { training, eps, residual: residual?.(), relu, stride, padding }),
    );
  }

  #normalise(input: Tensor, after: Pick<BatchNormOptions, 'residual' | 'relu'>): Tensor {
    const { training, momentum, eps, weight, bias, runningMean, runningVar } = this;
    const options = { training, momentum, eps, ...after };
    const output = batchNorm2d(input, weight, bias, runningMean, runningVar, options);
    if (training) this.batchesTracked.value++;
    return output;
  }
}
