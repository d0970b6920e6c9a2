/** The mean of each channel's image. */
import { OptionError } from '../autograd/errors.ts';
import { globalAvgPool2d } from '../autograd/ops/avg-pool2d.ts';
import { type Pair, pairOf } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';

/** [N, C, H, W] to [N, C, 1, 1], torch's `AdaptiveAvgPool2d(1)`. Other output sizes are not implemented. */
export class AdaptiveAvgPool2d extends Module {
  /** @throws OptionError */
  constructor(outputSize: Pair) {
    super();
    const [height, width] = pairOf('AdaptiveAvgPool2d', 'outputSize', outputSize, 1);
    if (height !== 1 || width !== 1) {
      throw new OptionError(`AdaptiveAvgPool2d: outputSize must be 1, the only one implemented, got ${outputSize}.`);
    }
  }

  override forward(input: Tensor): Tensor {
    return globalAvgPool2d(input);
  }
}
