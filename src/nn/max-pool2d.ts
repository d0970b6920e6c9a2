/** Maximum over a sliding window. */
import { maxPool2d, poolWindow } from '../autograd/ops/max-pool2d.ts';
import type { HeightWidth, Pair } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';

/** Options of a MaxPool2d, in pixels. */
export interface MaxPool2dOptions {
  readonly kernelSize: Pair;
  /** Default: the kernel size, so windows do not overlap. */
  readonly stride?: Pair;
  /** Pixels added on each side that are never the maximum, at most half the kernel; default 0. */
  readonly padding?: Pair;
}

/** [N, C, H, W] to [N, C, H', W'] with H' = ⌊(H + 2·padding − kernel)/stride⌋ + 1. */
export class MaxPool2d extends Module {
  readonly kernelSize: HeightWidth;
  readonly stride: HeightWidth;
  readonly padding: HeightWidth;

  /** @throws OptionError */
  constructor(options: MaxPool2dOptions) {
    super();
    const { kernelSize, stride, padding } = poolWindow('MaxPool2d', options);
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.padding = padding;
  }

  override forward(input: Tensor): Tensor {
    const { kernelSize, stride, padding } = this;
    return maxPool2d(input, { kernelSize, stride, padding });
  }
}
