/** Batch normalisation of images (S. Ioffe and C. Szegedy, 2015). */
import { expectShape } from '../autograd/errors.ts';
import { type BatchNormOptions, batchNorm2d } from '../autograd/ops/batch-norm2d.ts';
import { checkNames, numberFrom0, wholeNumber } from '../autograd/options.ts';
import { scope } from '../autograd/scope.ts';
import { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Module } from './module.ts';
import { Counter } from './state-dict.ts';

/** Options of a BatchNorm2d. */
export interface BatchNorm2dOptions {
  /** Added to the variance inside the square root; default 1e-5. */
  readonly eps?: number;
  /**
   * Share of the new batch in the running statistics; default 0.1. With null every batch has an equal share: the
   * running statistics are the mean over all batches so far.
   */
  readonly momentum?: number | null;
}

const OPTIONS = { eps: true, momentum: true } as const satisfies Record<keyof BatchNorm2dOptions, true>;

/**
 * Normalises each channel of [N, channels, H, W], then scales and shifts it. Training mode uses the mean and variance
 * of the batch and updates the running ones. Evaluation mode uses the running ones.
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
  /** Number of batches that updated the running statistics. */
  readonly batchesTracked: Counter;
  readonly channels: number;
  readonly eps: number;
  readonly momentum: number | null;

  /** @throws OptionError */
  constructor(gpu: Gpu, channels: number, options: BatchNorm2dOptions = {}) {
    super();
    checkNames('BatchNorm2d', options, OPTIONS);
    const { eps = 1e-5, momentum = 0.1 } = options;
    this.channels = wholeNumber('BatchNorm2d', 'channels', channels, 1);
    this.eps = numberFrom0('BatchNorm2d', 'eps', eps);
    this.momentum = momentum === null ? null : numberFrom0('BatchNorm2d', 'momentum', momentum, 1);
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

  /** call(input), then the residual, which has the input's shape, and ReLU, in the same passes over memory. */
  callFused(input: Tensor, after: Pick<BatchNormOptions, 'residual' | 'relu'>): Tensor {
    return scope(() => this.#normalise(input, after));
  }

  #normalise(input: Tensor, after: Pick<BatchNormOptions, 'residual' | 'relu'>): Tensor {
    const { training, eps, weight, bias, runningMean, runningVar, batchesTracked } = this;
    expectShape('BatchNorm2d', 'input', input, ['N', this.channels, 'H', 'W']);
    // The current batch, which is counted below, has its share too.
    const momentum = this.momentum ?? 1 / (batchesTracked.value + 1);
    const options = { training, momentum, eps, ...after };
    const output = batchNorm2d(input, weight, bias, runningMean, runningVar, options);
    if (training) batchesTracked.value++;
    return output;
  }
}
