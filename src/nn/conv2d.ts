/** Two-dimensional convolution with learned weights. */
import { conv2d } from '../autograd/ops/conv2d.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { defaultBound, type Init, uniform } from './init.ts';
import { Module } from './module.ts';
import { type Pair, pair, type Size2d } from './pair.ts';

/** Options of a Conv2d, sizes in pixels, and where its weights come from. */
export type Conv2dOptions = Init & {
  readonly kernelSize: Size2d;
  /** Default 1. */
  readonly stride?: Size2d;
  /** Zeros added on each side; default 0. */
  readonly padding?: Size2d;
  /** Whether it adds a learned value per channel. On by default. */
  readonly bias?: boolean;
};

/** [N, inChannels, H, W] to [N, outChannels, H', W'] with H' = ⌊(H + 2·padding − kernel)/stride⌋ + 1. */
export class Conv2d extends Module {
  #weight: Tensor;
  /** [outChannels] */
  readonly bias: Tensor | undefined;
  readonly stride: Pair;
  readonly padding: Pair;

  constructor(gpu: Gpu, inChannels: number, outChannels: number, options: Conv2dOptions) {
    super();
    const [height, width] = pair(options.kernelSize);
    const bound = defaultBound(inChannels * height * width);
    this.stride = pair(options.stride ?? 1);
    this.padding = pair(options.padding ?? 0);
    const weight = uniform(gpu, [outChannels, inChannels, height, width], bound, options);
    this.#weight = this.registerParameter('weight', weight);
    if (options.bias ?? true) {
      this.bias = this.registerParameter('bias', uniform(gpu, [outChannels], bound, options));
    }
  }

  /** [outChannels, inChannels, kernel height, kernel width] */
  get weight(): Tensor {
    return this.#weight;
  }

  protected override halve(): void {
    this.#weight = this.halved('weight');
  }

  override forward(input: Tensor): Tensor {
    return conv2d(input, this.weight, this.bias, { stride: this.stride, padding: this.padding });
  }
}
