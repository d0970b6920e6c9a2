/**
 * The residual block of ResNet-50 and deeper (K. He et al., "Deep Residual Learning for Image Recognition", 2015). As
 * torchvision's it has its stride in the 3×3 convolution. With more width or groups it is that of Wide ResNet
 * (S. Zagoruyko and N. Komodakis, 2016) and ResNeXt (S. Xie et al., 2016).
 */
import { relu } from '../autograd/ops/elementwise.ts';
import { checkNames, wholeNumber } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { BatchNorm2d } from '../nn/batch-norm2d.ts';
import { Conv2d } from '../nn/conv2d.ts';
import { plus } from '../nn/fuse.ts';
import { checkInit, INIT_OPTIONS, type Init } from '../nn/init.ts';
import { Module } from '../nn/module.ts';
import { pipe } from '../nn/pipe.ts';
import { Sequential } from '../nn/sequential.ts';

/** Options of a Bottleneck, and the source of its weights. */
export type BottleneckOptions = Init & {
  /** Stride of the 3×3 convolution; default 1. */
  readonly stride?: number;
  /** Groups of the 3×3 convolution; default 1. */
  readonly groups?: number;
  /** Channels of each group for every 64 of `channels`; default 64. */
  readonly widthPerGroup?: number;
};

const OPTIONS = { stride: true, groups: true, widthPerGroup: true, ...INIT_OPTIONS } as const;

/** Channels of the output for each of `channels`. */
const EXPANSION = 4;

/**
 * 1×1, 3×3 and 1×1 convolutions, each with batch norm, and ReLU between them and after the sum with x:
 * [N, inChannels, H, W] to [N, 4·channels, H/stride, W/stride], rounded up. If the shape changes, x passes through
 * `downsample`, a 1×1 convolution with batch norm.
 */
export class Bottleneck extends Module {
  static readonly expansion = EXPANSION;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: Sequential | undefined;

  /** @throws OptionError */
  constructor(gpu: Gpu, inChannels: number, channels: number, options: BottleneckOptions) {
    super();
    checkNames('Bottleneck', options, OPTIONS);
    checkInit('Bottleneck', options);
    const { stride = 1, groups = 1, widthPerGroup = 64, ...init } = options;
    wholeNumber('Bottleneck', 'inChannels', inChannels, 1);
    wholeNumber('Bottleneck', 'channels', channels, 1);
    wholeNumber('Bottleneck', 'stride', stride, 1);
    wholeNumber('Bottleneck', 'groups', groups, 1);
    wholeNumber('Bottleneck', 'widthPerGroup', widthPerGroup, 1);
    const width = Math.trunc((channels * widthPerGroup) / 64) * groups;
    const outChannels = EXPANSION * channels;
    const conv1x1 = (from: number, to: number, by = 1) =>
      new Conv2d(gpu, from, to, { kernelSize: 1, stride: by, bias: false, ...init });
    // torchvision builds `downsample` before the block itself, and random draws come in the order of building.
    let downsample: Sequential | undefined;
    if (stride !== 1 || inChannels !== outChannels) {
      downsample = new Sequential(conv1x1(inChannels, outChannels, stride), new BatchNorm2d(gpu, outChannels));
    }
    const conv3x3 = { kernelSize: 3, stride, padding: 1, groups, bias: false, ...init };
    this.conv1 = this.registerModule('conv1', conv1x1(inChannels, width));
    this.bn1 = this.registerModule('bn1', new BatchNorm2d(gpu, width));
    this.conv2 = this.registerModule('conv2', new Conv2d(gpu, width, width, conv3x3));
    this.bn2 = this.registerModule('bn2', new BatchNorm2d(gpu, width));
    this.conv3 = this.registerModule('conv3', conv1x1(width, outChannels));
    this.bn3 = this.registerModule('bn3', new BatchNorm2d(gpu, outChannels));
    this.downsample = downsample && this.registerModule('downsample', downsample);
  }

  override forward(input: Tensor): Tensor {
    const { conv1, bn1, conv2, bn2, conv3, bn3, downsample } = this;
    const residual = plus(() => downsample?.call(input) ?? input);
    return pipe(input, conv1, bn1, relu, conv2, bn2, relu, conv3, bn3, residual, relu);
  }
}
