/**
 * ResNets, Wide ResNets and ResNeXts with torchvision's names and random draws: its state dicts load here, and the same
 * seed gives the same initial weights.
 */
import { OptionError } from '../autograd/errors.ts';
import { relu } from '../autograd/ops/elementwise.ts';
import { flatten } from '../autograd/ops/flatten.ts';
import { checkNames, wholeNumber } from '../autograd/options.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { AdaptiveAvgPool2d } from '../nn/adaptive-avg-pool2d.ts';
import { BatchNorm2d } from '../nn/batch-norm2d.ts';
import { Conv2d } from '../nn/conv2d.ts';
import type { Step } from '../nn/fuse.ts';
import { checkInit, INIT_OPTIONS, type Init, kaimingNormalFanOut } from '../nn/init.ts';
import { Linear } from '../nn/linear.ts';
import { MaxPool2d } from '../nn/max-pool2d.ts';
import type { Module } from '../nn/module.ts';
import { Sequential } from '../nn/sequential.ts';
import { BasicBlock } from './basic-block.ts';
import { Bottleneck } from './bottleneck.ts';
import { Classifier, inTypeOf } from './classifier.ts';

/** Options of a ResNet, and the source of its weights. */
export type ResNetOptions = Init & {
  /** Outputs of the last layer; default 1000, as in ImageNet. */
  readonly classes?: number;
};

/** What distinguishes one ResNet from another. */
export interface ResNetShape {
  /** Number of blocks in layer1 to layer4. */
  readonly depths: readonly [number, number, number, number];
  /** Default `basic`, two 3×3 convolutions; `bottleneck` has a 3×3 one between two of 1×1. */
  readonly block?: 'basic' | 'bottleneck';
  /** Groups of a bottleneck's 3×3 convolution; default 1. */
  readonly groups?: number;
  /** Channels of each of these groups in layer1; default 64. */
  readonly widthPerGroup?: number;
}

const OPTIONS = { classes: true, ...INIT_OPTIONS } as const;
/** torchvision's name of the last layer. */
export const HEAD = 'fc';

/** Features per picture that the last layer takes. */
export function featuresOf({ block }: ResNetShape): number {
  return 512 * expansionOf(block);
}

/** Channels that a block puts out for each of those that it is named by. */
function expansionOf(block: ResNetShape['block']): number {
  return block === 'bottleneck' ? Bottleneck.expansion : 1;
}

/** Images [N, 3, H, W] to scores [N, classes]. Designed for 224×224; works for any size. */
export class ResNet extends Classifier {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly maxpool: MaxPool2d;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly layer4: Sequential;
  readonly avgpool: AdaptiveAvgPool2d;
  readonly featureSize: number;
  readonly headName = HEAD;

  /**
   * @param shape or the depths of one with basic blocks
   * @throws OptionError
   */
  constructor(gpu: Gpu, shape: ResNetShape | ResNetShape['depths'], options: ResNetOptions) {
    super();
    checkNames('ResNet', options, OPTIONS);
    checkInit('ResNet', options);
    const { classes = 1000, ...init } = options;
    wholeNumber('ResNet', 'classes', classes, 1);
    const full: ResNetShape = 'depths' in shape ? shape : { depths: shape };
    checkShape(full);
    const { depths, block = 'basic', ...width } = full;
    // torch draws every convolution uniformly on construction and then again normally. The first draw need not be
    // computed.
    const overwritten: Init = init.random ? { random: init.random, init: 'skip' } : { init: 'skip' };
    const expansion = expansionOf(block);
    const blockOf = (inChannels: number, channels: number, stride: number) =>
      block === 'basic'
        ? new BasicBlock(gpu, inChannels, channels, { stride, ...overwritten })
        : new Bottleneck(gpu, inChannels, channels, { stride, ...width, ...overwritten });
    const layer = (inChannels: number, channels: number, blocks: number, stride: number) =>
      new Sequential(
        blockOf(inChannels, channels, stride),
        ...Array.from({ length: blocks - 1 }, () => blockOf(expansion * channels, channels, 1)),
      );
    const stem = { kernelSize: 7, stride: 2, padding: 3, bias: false, ...overwritten };
    this.featureSize = featuresOf(full);
    this.conv1 = this.registerModule('conv1', new Conv2d(gpu, 3, 64, stem));
    this.bn1 = this.registerModule('bn1', new BatchNorm2d(gpu, 64));
    this.maxpool = this.registerModule('maxpool', new MaxPool2d({ kernelSize: 3, stride: 2, padding: 1 }));
    this.layer1 = this.registerModule('layer1', layer(64, 64, depths[0], 1));
    this.layer2 = this.registerModule('layer2', layer(64 * expansion, 128, depths[1], 2));
    this.layer3 = this.registerModule('layer3', layer(128 * expansion, 256, depths[2], 2));
    this.layer4 = this.registerModule('layer4', layer(256 * expansion, 512, depths[3], 2));
    this.avgpool = this.registerModule('avgpool', new AdaptiveAvgPool2d(1));
    this.registerModule(HEAD, new Linear(gpu, this.featureSize, classes, init));
    for (const [, module] of this.namedModules()) {
      if (module instanceof Conv2d) kaimingNormalFanOut(module.weight, init);
    }
  }

  /** The last layer under torchvision's name: `head`. */
  get fc(): Module {
    return this.head;
  }

  /** Replaces the last layer and disposes the old one. */
  set fc(module: Module) {
    this.head = module;
  }

  override get blocks() {
    const { conv1, bn1, layer1, layer2, layer3, layer4, head } = this;
    return new Map([
      ['conv1', [conv1, bn1]],
      ['layer1', [layer1]],
      ['layer2', [layer2]],
      ['layer3', [layer3]],
      ['layer4', [layer4]],
      [HEAD, [head]],
    ]);
  }

  protected override trunk(): readonly Step[] {
    const { conv1, bn1, maxpool, layer1, layer2, layer3, layer4 } = this;
    return [inTypeOf(conv1), conv1, bn1, relu, maxpool, layer1, layer2, layer3, layer4];
  }

  protected override neck(): readonly Step[] {
    return [this.avgpool, flatten];
  }
}

function checkShape({ depths, block = 'basic', groups = 1, widthPerGroup = 64 }: ResNetShape): void {
  if (depths.length !== 4) throw new OptionError(`ResNet: depths must be four numbers, got ${depths.length}.`);
  for (const [i, depth] of depths.entries()) wholeNumber('ResNet', `depths[${i}]`, depth, 1);
  if (block !== 'basic' && block !== 'bottleneck') {
    throw new OptionError(`ResNet: block must be 'basic' or 'bottleneck', got ${JSON.stringify(block)}.`);
  }
  if (block === 'basic' && (groups !== 1 || widthPerGroup !== 64)) {
    throw new OptionError("ResNet: groups and widthPerGroup are for block 'bottleneck'.");
  }
}
