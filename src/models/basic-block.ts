/** The residual block of ResNet-18 and -34 (K. He et al., "Deep Residual Learning for Image Recognition", 2015). */
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

/** Options of a BasicBlock, and the source of its weights. */
export type BasicBlockOptions = Init & {
  /** Stride of the first convolution; default 1. */
  readonly stride?: number;
};

const OPTIONS = { stride: true, ...INIT_OPTIONS } as const;

/**
 * relu(bn2(conv2(relu(bn1(conv1(x))))) + x): [N, inChannels, H, W] to [N, channels, H/stride, W/stride], rounded up. If
 * the shape changes, x passes through `downsample`, a 1×1 convolution with batch norm.
 */
export class BasicBlock extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Sequential | undefined;

  /** @throws OptionError */
  constructor(gpu: Gpu, inChannels: number, channels: number, options: BasicBlockOptions) {
    super();
    checkNames('BasicBlock', options, OPTIONS);
    checkInit('BasicBlock', options);
    const { stride = 1, ...init } = options;
    wholeNumber('BasicBlock', 'inChannels', inChannels, 1);
    wholeNumber('BasicBlock', 'channels', channels, 1);
    wholeNumber('BasicBlock', 'stride', stride, 1);
    const conv3x3 = { kernelSize: 3, padding: 1, bias: false, ...init };
    // torchvision builds `downsample` before the block itself, and random draws come in the order of building.
    let downsample: Sequential | undefined;
    if (stride !== 1 || inChannels !== channels) {
      const conv1x1 = new Conv2d(gpu, inChannels, channels, { kernelSize: 1, stride, bias: false, ...init });
      downsample = new Sequential(conv1x1, new BatchNorm2d(gpu, channels));
    }
    this.conv1 = this.registerModule('conv1', new Conv2d(gpu, inChannels, channels, { stride, ...conv3x3 }));
    this.bn1 = this.registerModule('bn1', new BatchNorm2d(gpu, channels));
    this.conv2 = this.registerModule('conv2', new Conv2d(gpu, channels, channels, conv3x3));
    this.bn2 = this.registerModule('bn2', new BatchNorm2d(gpu, channels));
    this.downsample = downsample && this.registerModule('downsample', downsample);
  }

  override forward(input: Tensor): Tensor {
    const { conv1, bn1, conv2, bn2, downsample } = this;
    const residual = plus(() => downsample?.call(input) ?? input);
    return pipe(input, conv1, bn1, relu, conv2, bn2, residual, relu);
  }
}
