/** Maximum over a sliding window. */
import { type MaxPoolOptions, maxPool2d, maxPoolOptions } from '../autograd/ops/max-pool2d.ts';
import type { HeightWidth } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';

/** Options of a MaxPool2d, in pixels. */
export type MaxPool2dOptions = MaxPoolOptions;

/** [N, C, H, W] to [N, C, H', W'] with H' = ⌊(H + 2·padding − dilation·(kernel − 1) − 1)/stride⌋ + 1. */
export class MaxPool2d extends Module {
  readonly kernelSize: HeightWidth;
  readonly stride: HeightWidth;
  readonly padding: HeightWidth;
  readonly dilation: HeightWidth;
  readonly ceilMode: boolean;

  /** @throws OptionError */
  constructor(options: MaxPool2dOptions) {
    super();
    const { kernelSize, stride, padding, dilation, ceilMode } = maxPoolOptions('MaxPool2d', options);
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.padding = padding;
    this.dilation = dilation;
    this.ceilMode = ceilMode;
  }

  override forward(input: Tensor): Tensor {
    const { kernelSize, stride, padding, dilation, ceilMode } = this;
    return maxPool2d(input, { kernelSize, stride, padding, dilation, ceilMode });
  }
}
