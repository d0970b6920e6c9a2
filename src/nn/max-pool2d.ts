/** Maximum over a sliding window. */
import { maxPool2d } from '../autograd/ops/max-pool2d.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';
import { type Pair, pair, type Size2d } from './pair.ts';

/** Options of a MaxPool2d, in pixels. */
export interface MaxPool2dOptions {
  readonly kernelSize: Size2d;
  /** Default: the kernel size, so that windows do not overlap. */
  readonly stride?: Size2d;
  /** Places added on each side that never are the maximum; default 0. */
  readonly padding?: Size2d;
}

/** [N, C, H, W] to [N, C, H', W'] with H' = ⌊(H + 2·padding − kernel)/stride⌋ + 1. */
export class MaxPool2d extends Module {
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Pair;

  constructor({ kernelSize, stride = kernelSize, padding = 0 }: MaxPool2dOptions) {
    super();
    this.kernelSize = pair(kernelSize);
    this.stride = pair(stride);
    this.padding = pair(padding);
  }

  override forward(input: Tensor): Tensor {
    const { kernelSize, stride, padding } = this;
    return maxPool2d(input, { kernelSize, stride, padding });
  }
}
