/** Mean over a sliding window. */
import { type AvgPoolOptions, avgPool2d, avgPoolOptions } from '../autograd/ops/avg-pool2d.ts';
import type { HeightWidth } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';

/** Options of an AvgPool2d, in pixels. */
export type AvgPool2dOptions = AvgPoolOptions;

/** [N, C, H, W] to [N, C, H', W'] with H' = ⌊(H + 2·padding − kernel)/stride⌋ + 1. */
export class AvgPool2d extends Module {
  readonly kernelSize: HeightWidth;
  readonly stride: HeightWidth;
  readonly padding: HeightWidth;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
  /** Divides the sum of each window, in place of the number of its pixels. */
  readonly divisorOverride: number | undefined;

  /** @throws OptionError */
  constructor(options: AvgPool2dOptions) {
    super();
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = avgPoolOptions(
      'AvgPool2d',
      options,
    );
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.padding = padding;
    this.ceilMode = ceilMode;
    this.countIncludePad = countIncludePad;
    this.divisorOverride = divisorOverride;
  }

  override forward(input: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    const options = { kernelSize, stride, padding, ceilMode, countIncludePad };
    return avgPool2d(input, { ...options, ...(divisorOverride !== undefined && { divisorOverride }) });
  }
}
