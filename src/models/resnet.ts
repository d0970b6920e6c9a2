/**
 * ResNet-18 and -34 with torchvision's names and random draws: its state dicts load here, and the same seed gives the
 * same initial weights.
 */
import { OptionError } from '../autograd/errors.ts';
import { relu } from '../autograd/ops/elementwise.ts';
import { flatten } from '../autograd/ops/flatten.ts';
import { toDType } from '../autograd/ops/to-dtype.ts';
import { checkNames, wholeNumber } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { AdaptiveAvgPool2d } from '../nn/adaptive-avg-pool2d.ts';
import { BatchNorm2d } from '../nn/batch-norm2d.ts';
import { Conv2d } from '../nn/conv2d.ts';
import { checkInit, INIT_OPTIONS, type Init, kaimingNormalFanOut } from '../nn/init.ts';
import { Linear } from '../nn/linear.ts';
import { MaxPool2d } from '../nn/max-pool2d.ts';
import { Module } from '../nn/module.ts';
import { pipe } from '../nn/pipe.ts';
import { Sequential } from '../nn/sequential.ts';
import { BasicBlock } from './basic-block.ts';

/** Options of a ResNet, and the source of its weights. */
export type ResNetOptions = Init & {
  /** Outputs of the last layer; default 1000, as in ImageNet. */
  readonly classes?: number;
};

const OPTIONS = { classes: true, ...INIT_OPTIONS } as const;

/** Number of blocks in layer1 to layer4. */
type Depths = readonly [number, number, number, number];

/** Features per image that the last layer of each takes. */
export const FEATURES = 512;

/** Images [N, 3, H, W] to scores [N, classes]. Designed for 224×224; works for any size. */
export class ResNet extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly maxpool: MaxPool2d;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly layer4: Sequential;
  readonly avgpool: AdaptiveAvgPool2d;
  /** Features per image that the last layer takes. */
  readonly featureSize = FEATURES;

  /** @throws OptionError */
  constructor(gpu: Gpu, depths: Depths, options: ResNetOptions) {
    super();
    checkNames('ResNet', options, OPTIONS);
    checkInit('ResNet', options);
    const { classes = 1000, ...init } = options;
    wholeNumber('ResNet', 'classes', classes, 1);
    if (depths.length !== 4) throw new OptionError(`ResNet: depths must be four numbers, got ${depths.length}.`);
    for (const [i, depth] of depths.entries()) wholeNumber('ResNet', `depths[${i}]`, depth, 1);
    // torch draws every convolution uniformly on construction and then again normally. The first draw need not be
    // computed.
    const overwritten: Init = init.random ? { random: init.random, init: 'skip' } : { init: 'skip' };
    const layer = (inChannels: number, channels: number, blocks: number, stride: number) =>
      new Sequential(
        new BasicBlock(gpu, inChannels, channels, { stride, ...overwritten }),
        ...Array.from({ length: blocks - 1 }, () => new BasicBlock(gpu, channels, channels, overwritten)),
      );
    const stem = { kernelSize: 7, stride: 2, padding: 3, bias: false, ...overwritten };
    this.conv1 = this.registerModule('conv1', new Conv2d(gpu, 3, 64, stem));
    this.bn1 = this.registerModule('bn1', new BatchNorm2d(gpu, 64));
    this.maxpool = this.registerModule('maxpool', new MaxPool2d({ kernelSize: 3, stride: 2, padding: 1 }));
    this.layer1 = this.registerModule('layer1', layer(64, 64, depths[0], 1));
    this.layer2 = this.registerModule('layer2', layer(64, 128, depths[1], 2));
    this.layer3 = this.registerModule('layer3', layer(128, 256, depths[2], 2));
    this.layer4 = this.registerModule('layer4', layer(256, 512, depths[3], 2));
    this.avgpool = this.registerModule('avgpool', new AdaptiveAvgPool2d(1));
    this.registerModule('fc', new Linear(gpu, this.featureSize, classes, init));
    for (const [, module] of this.namedModules()) {
      if (module instanceof Conv2d) kaimingNormalFanOut(module.weight, init);
    }
  }

  /** The last layer: [N, featureSize] to scores. */
  get fc(): Module {
    return this.children.get('fc') as Module;
  }

  /** Replaces the last layer and disposes the old one. */
  set fc(module: Module) {
    if (module === this.fc) return;
    this.fc.dispose();
    this.registerModule('fc', module);
  }

  /**
   * The input of the last layer: [N, featureSize]. Intermediates belong to the scope around it, so call it within one.
   */
  features(images: Tensor): Tensor {
    return pipe(images, ...this.#trunk(), this.avgpool, flatten);
  }

  /**
   * The output of layer4, the last that knows places: [N, featureSize, H/32, W/32], rounded up. Call it within a scope,
   * as `features`.
   */
  maps(images: Tensor): Tensor {
    return pipe(images, ...this.#trunk());
  }

  #trunk() {
    const { conv1, bn1, maxpool, layer1, layer2, layer3, layer4 } = this;
    // A network in half precision still takes f32 images.
    const converts = conv1.weight.dtype === 'f16' ? [(x: Tensor) => toDType(x, 'f16')] : [];
    return [...converts, conv1, bn1, relu, maxpool, layer1, layer2, layer3, layer4];
  }

  override forward(images: Tensor): Tensor {
    return this.fc.call(this.features(images));
  }
}

/** ResNet-18: 11,689,512 parameters with 1000 classes. */
export function resnet18(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, [2, 2, 2, 2], options);
}

/** ResNet-34: 21,797,672 parameters with 1000 classes. */
export function resnet34(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, [3, 4, 6, 3], options);
}
