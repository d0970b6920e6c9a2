/** The means of windows that share an image evenly. */
import { adaptiveAvgPool2d } from '../autograd/ops/adaptive-avg-pool2d.ts';
import { type HeightWidth, type Pair, pairOf } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';

/** [N, C, H, W] to [N, C, ...outputSize], for images of any size. With an `outputSize` of 1, the mean of each image. */
export class AdaptiveAvgPool2d extends Module {
  readonly outputSize: HeightWidth;

  /** @throws OptionError */
  constructor(outputSize: Pair) {
    super();
    const [height, width] = pairOf('AdaptiveAvgPool2d', 'outputSize', outputSize, 0);
    this.outputSize = [height, width];
  }

  override forward(input: Tensor): Tensor {
    return adaptiveAvgPool2d(input, this.outputSize);
  }
}
