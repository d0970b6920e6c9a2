/** A convolution, its batch norm and its activation: torchvision's `Conv2dNormActivation`. */
import { checkNames } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BatchNorm2d, type BatchNorm2dOptions } from '../nn/batch-norm2d.ts';
import { Conv2d } from '../nn/conv2d.ts';
import type { Step } from '../nn/fuse.ts';
import { INIT_OPTIONS, type Init } from '../nn/init.ts';
import { Sequential } from '../nn/sequential.ts';

/** An activation, such as `hardswish`. */
export type Activation = (input: Tensor) => Tensor;

/** Options of a ConvNorm, and the source of its weights. */
export type ConvNormOptions = Init & {
  /** Side of the square kernel, odd; default 3. The padding is half of it: a stride of 1 keeps the size. */
  readonly kernelSize?: number;
  /** Default 1. */
  readonly stride?: number;
  /** Groups of channels; default 1. */
  readonly groups?: number;
  /** Of its batch norm. */
  readonly norm?: BatchNorm2dOptions;
  /** None by default. */
  readonly activation?: Activation | undefined;
};

const OPTIONS = {
  kernelSize: true,
  stride: true,
  groups: true,
  norm: true,
  activation: true,
  ...INIT_OPTIONS,
} as const;

/** [N, inChannels, H, W] to [N, outChannels, H/stride, W/stride], rounded up. The convolution has no bias. */
export class ConvNorm extends Sequential {
  /** @throws OptionError */
  constructor(gpu: Gpu, inChannels: number, outChannels: number, options: ConvNormOptions) {
    checkNames('ConvNorm', options, OPTIONS);
    const { kernelSize = 3, stride = 1, groups = 1, norm = {}, activation, ...init } = options;
    const padding = Math.floor((kernelSize - 1) / 2);
    const conv = new Conv2d(gpu, inChannels, outChannels, {
      kernelSize,
      stride,
      padding,
      groups,
      bias: false,
      ...init,
    });
    super(conv, new BatchNorm2d(gpu, outChannels, norm), ...(activation ? [activation] : []));
  }
}

/** Steps with those of each ConvNorm in its place, so that neighbours can be fused. */
export function unfolded(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step) => (step instanceof ConvNorm ? step.steps : [step]));
}
