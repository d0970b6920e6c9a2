/**
 * Weights channels by what all of them hold (J. Hu et al., "Squeeze-and-Excitation Networks", 2017): torchvision's
 * `SqueezeExcitation`.
 */
import { mul } from '../autograd/ops/elementwise.ts';
import { flatten } from '../autograd/ops/flatten.ts';
import { globalAvgPool2d } from '../autograd/ops/global-avg-pool2d.ts';
import { linear } from '../autograd/ops/linear.ts';
import { reshape } from '../autograd/ops/reshape.ts';
import { checkNames } from '../autograd/options.ts';
import { scope } from '../autograd/scope.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Conv2d } from '../nn/conv2d.ts';
import { INIT_OPTIONS, type Init } from '../nn/init.ts';
import { Module } from '../nn/module.ts';
import { pipe } from '../nn/pipe.ts';
import type { Activation } from './conv-norm.ts';

/** Options of a SqueezeExcite, and the source of its weights. */
export type SqueezeExciteOptions = Init & {
  /** After the first layer, such as `relu`. */
  readonly activation: Activation;
  /** Of the weights, such as `sigmoid`. */
  readonly gate: Activation;
};

const OPTIONS = { activation: true, gate: true, ...INIT_OPTIONS } as const;

/** input · gate(fc2(activation(fc1(mean of each image)))), [N, channels, H, W] to the same shape. */
export class SqueezeExcite extends Module {
  readonly fc1: Conv2d;
  readonly fc2: Conv2d;
  readonly #activation: Activation;
  readonly #gate: Activation;

  /** @throws OptionError */
  constructor(gpu: Gpu, channels: number, squeezed: number, options: SqueezeExciteOptions) {
    super();
    checkNames('SqueezeExcite', options, OPTIONS);
    const { activation, gate, ...init } = options;
    this.fc1 = this.registerModule('fc1', new Conv2d(gpu, channels, squeezed, { kernelSize: 1, ...init }));
    this.fc2 = this.registerModule('fc2', new Conv2d(gpu, squeezed, channels, { kernelSize: 1, ...init }));
    this.#activation = activation;
    this.#gate = gate;
  }

  override forward(input: Tensor): Tensor {
    const means = pipe(input, globalAvgPool2d, flatten);
    const weights = pipe(means, onFeatures(this.fc1), this.#activation, onFeatures(this.fc2), this.#gate);
    return mul(reshape(weights, [...weights.shape, 1, 1]), input);
  }
}

/** A 1×1 convolution on images of one pixel is a linear layer, whose kernels are made for few rows. */
function onFeatures({ weight, bias }: Conv2d): (features: Tensor) => Tensor {
  return (features) => scope(() => linear(features, flatten(weight), bias));
}
