/** Weights channels by what all of them hold (J. Hu et al., "Squeeze-and-Excitation Networks", 2017): torchvision's
 * `SqueezeExcitation`. */
import { mul } from '../autograd/ops/elementwise.ts';
import { globalAvgPool2d } from '../autograd/ops/global-avg-pool2d.ts';
import { checkNames } from '../autograd/options.ts';
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
    const weights = pipe(input, globalAvgPool2d, this.fc1, this.#activation, this.fc2, this.#gate);
    return mul(weights, input);
  }
}
