/**
 * MobileNetV2 with torchvision's names and random draws (M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear
 * Bottlenecks", 2018).
 */
import { relu6 } from '../autograd/ops/elementwise.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { IMAGENET_INPUT } from '../input-spec.ts';
import { BatchNorm2d } from '../nn/batch-norm2d.ts';
import { Conv2d } from '../nn/conv2d.ts';
import { type Init, refillNormal, toBeRefilled } from '../nn/init.ts';
import { Linear } from '../nn/linear.ts';
import { ConvNorm } from './conv-norm.ts';
import {
  blockNames,
  classifierOptions,
  FeaturesClassifier,
  type FeaturesClassifierOptions,
  haveShapes,
  headDropout,
} from './features-classifier.ts';
import { InvertedResidual } from './inverted-residual.ts';
import type { Net } from './net.ts';
import { type TimmBlock, timmRenamer } from './timm-mobile.ts';

/** Blocks of one width. The first has the stride, the others 1. */
export interface MobileNetV2Stage {
  /** How much wider a block is inside than its input. */
  readonly expansion: number;
  readonly channels: number;
  readonly blocks: number;
  readonly stride: number;
}

/** What distinguishes one MobileNetV2 from another. */
export interface MobileNetV2Shape {
  readonly stem: number;
  readonly stages: readonly MobileNetV2Stage[];
  readonly features: number;
}

const SHAPE: MobileNetV2Shape = {
  stem: 32,
  stages: [
    { expansion: 1, channels: 16, blocks: 1, stride: 1 },
    { expansion: 6, channels: 24, blocks: 2, stride: 2 },
    { expansion: 6, channels: 32, blocks: 3, stride: 2 },
    { expansion: 6, channels: 64, blocks: 4, stride: 2 },
    { expansion: 6, channels: 96, blocks: 3, stride: 1 },
    { expansion: 6, channels: 160, blocks: 3, stride: 2 },
    { expansion: 6, channels: 320, blocks: 1, stride: 1 },
  ],
  features: 1280,
};

/** Images [N, 3, H, W] to scores [N, classes]. Designed for 224×224; works for any size. */
export class MobileNetV2 extends FeaturesClassifier {
  /** @throws OptionError */
  constructor(gpu: Gpu, shape: MobileNetV2Shape, options: FeaturesClassifierOptions) {
    const { classes, init } = classifierOptions('MobileNetV2', options);
    const later = toBeRefilled(init);
    const { stem, stages, features } = shape;
    let width = stem;
    const blocks = stages.flatMap(({ expansion, channels, blocks, stride }) =>
      Array.from({ length: blocks }, (_, i) => {
        const made = mobileNetV2Block(gpu, width, channels, { expansion, stride: i === 0 ? stride : 1 }, later);
        width = channels;
        return made;
      }),
    );
    super({
      features: [
        new ConvNorm(gpu, 3, stem, { stride: 2, activation: relu6, ...later }),
        ...blocks,
        new ConvNorm(gpu, width, features, { kernelSize: 1, activation: relu6, ...later }),
      ],
      classifier: [headDropout(init), new Linear(gpu, features, classes, later)],
    });
    this.drawWeights(init, ({ weight }) => refillNormal(weight, 0.01, init));
  }
}

/** A block: [N, inChannels, H, W] to [N, channels, H/stride, W/stride], rounded up. */
export function mobileNetV2Block(
  gpu: Gpu,
  inChannels: number,
  channels: number,
  { expansion, stride }: { expansion: number; stride: number },
  init: Init,
): InvertedResidual {
  const width = Math.round(inChannels * expansion);
  const layer = { activation: relu6, ...init };
  return new InvertedResidual({
    name: 'conv',
    steps: [
      ...(expansion === 1 ? [] : [new ConvNorm(gpu, inChannels, width, { kernelSize: 1, ...layer })]),
      new ConvNorm(gpu, width, width, { stride, groups: width, ...layer }),
      new Conv2d(gpu, width, channels, { kernelSize: 1, bias: false, ...init }),
      new BatchNorm2d(gpu, channels),
    ],
    residual: stride === 1 && inChannels === channels,
  });
}

/** MobileNetV2: 3,504,872 parameters with 1000 classes. */
export function mobilenet_v2(gpu: Gpu, options: FeaturesClassifierOptions): MobileNetV2 {
  return new MobileNetV2(gpu, SHAPE, options);
}

/** For the registry. */
export const MOBILENETS_V2: readonly Net[] = [
  {
    ...{ name: 'mobilenet_v2', title: 'MobileNetV2', headName: 'classifier.1', featureSize: SHAPE.features },
    blocks: blockNames(18, [1]),
    marks: ['features.0.0.weight', 'conv_stem.weight'],
    input: IMAGENET_INPUT,
    build: mobilenet_v2,
    fits: (entries) =>
      haveShapes(entries, {
        'features.0.0.weight': [32, 3, 3, 3],
        'features.1.conv.1.weight': [16, 32, 1, 1],
        'features.18.0.weight': [1280, 320, 1, 1],
      }),
    fromTimm: timmRenamer(timmBlocks(SHAPE), {
      conv_head: 'features.18.0',
      bn2: 'features.18.1',
      classifier: 'classifier.1',
    }),
  },
];

function timmBlocks({ stages }: MobileNetV2Shape): TimmBlock[] {
  let index = 0;
  return stages.flatMap(({ expansion, blocks }, stage) =>
    Array.from({ length: blocks }, (_, i) => {
      const at = `features.${++index}.conv`;
      const narrows = expansion === 1 ? 1 : 2;
      return {
        ...{ timm: `blocks.${stage}.${i}`, at, expands: expansion !== 1, squeezes: false },
        narrows: [`${at}.${narrows}`, `${at}.${narrows + 1}`] as const,
      };
    }),
  );
}
