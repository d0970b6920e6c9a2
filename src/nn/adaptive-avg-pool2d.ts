/** Average over all places of each channel. */
import { globalAvgPool2d } from '../autograd/ops/avg-pool2d.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';

/** [N, C, H, W] to [N, C, 1, 1], torch's `AdaptiveAvgPool2d(1)`; other output sizes are not implemented. */
export class AdaptiveAvgPool2d extends Module {
  constructor(outputSize: number) {
    super();
    if (outputSize !== 1) {
      throw new RangeError(`AdaptiveAvgPool2d is implemented for output size 1 only, got ${outputSize}.`);
    }
  }

  override forward(input: Tensor): Tensor {
    return globalAvgPool2d(input);
  }
}
