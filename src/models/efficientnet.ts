/**
 * EfficientNet-B0 with torchvision's names and random draws (M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for
 * Convolutional Neural Networks", 2019, table 1).
 */
import { sigmoid, silu } from '../autograd/ops/elementwise.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { torchvisionInput } from '../input-spec.ts';
import { defaultBound, type Init, refillUniform, toBeRefilled } from '../nn/init.ts';
import { Linear } from '../nn/linear.ts';
import { Sequential } from '../nn/sequential.ts';
import { StochasticDepth } from '../nn/stochastic-depth.ts';
import { ConvNorm } from './conv-norm.ts';
import {
  blockNames,
  classifierOptions,
  FeaturesClassifier,
  type FeaturesClassifierOptions,
  haveShapes,
  headDropout,
  maskSource,
} from './features-classifier.ts';
import { InvertedResidual } from './inverted-residual.ts';
import type { Net } from './net.ts';
import { roundChannels } from './round-channels.ts';
import { SqueezeExcite } from './squeeze-excite.ts';
import { timmRenamer } from './timm-mobile.ts';

/** Blocks of one width. The first has the stride, the others 1. */
export interface EfficientNetStage {
  /** How much wider a block is inside than its input. */
  readonly expansion: number;
  /** Side of the kernel. */
  readonly kernel: number;
  readonly channels: number;
  readonly blocks: number;
  readonly stride: number;
}

/** What distinguishes one EfficientNet from another. */
export interface EfficientNetShape {
  readonly stem: number;
  readonly stages: readonly EfficientNetStage[];
}

const B0: EfficientNetShape = {
  stem: 32,
  stages: [
    { expansion: 1, kernel: 3, channels: 16, blocks: 1, stride: 1 },
    { expansion: 6, kernel: 3, channels: 24, blocks: 2, stride: 2 },
    { expansion: 6, kernel: 5, channels: 40, blocks: 2, stride: 2 },
    { expansion: 6, kernel: 3, channels: 80, blocks: 3, stride: 2 },
    { expansion: 6, kernel: 5, channels: 112, blocks: 3, stride: 1 },
    { expansion: 6, kernel: 5, channels: 192, blocks: 4, stride: 2 },
    { expansion: 6, kernel: 3, channels: 320, blocks: 1, stride: 1 },
  ],
};

/** Probability that the block after the last would be dropped; before it, in proportion to the depth. */
const DEPTH = 0.2;

/** Images [N, 3, H, W] to scores [N, classes]. Designed for 224×224; works for any size. */
export class EfficientNet extends FeaturesClassifier {
  /** @throws OptionError */
  constructor(gpu: Gpu, shape: EfficientNetShape, options: FeaturesClassifierOptions) {
    const { classes, init } = classifierOptions('EfficientNet', options);
    const later = toBeRefilled(init);
    const { stem, stages } = shape;
    const total = stages.reduce((sum, { blocks }) => sum + blocks, 0);
    let width = stem;
    let index = 0;
    const parts = stages.map(({ blocks, stride, ...stage }) => {
      const chain = Array.from({ length: blocks }, (_, i) => {
        const p = (DEPTH * index++) / total;
        const made = efficientNetBlock(gpu, width, { ...stage, stride: i === 0 ? stride : 1, p }, later);
        width = stage.channels;
        return made;
      });
      return new Sequential(...chain);
    });
    super({
      features: [
        new ConvNorm(gpu, 3, stem, { stride: 2, activation: silu, ...later }),
        ...parts,
        new ConvNorm(gpu, width, 4 * width, { kernelSize: 1, activation: silu, ...later }),
      ],
      classifier: [headDropout(init), new Linear(gpu, 4 * width, classes, later)],
    });
    this.drawWeights(init, ({ weight, outFeatures }) => refillUniform(weight, defaultBound(outFeatures), init));
  }
}

interface BlockShape {
  readonly expansion: number;
  readonly kernel: number;
  readonly channels: number;
  readonly stride: number;
  /** Probability of being dropped. */
  readonly p: number;
}

/** A block: [N, inChannels, H, W] to [N, channels, H/stride, W/stride], rounded up. */
export function efficientNetBlock(gpu: Gpu, inChannels: number, shape: BlockShape, init: Init): InvertedResidual {
  const { expansion, kernel, channels, stride, p } = shape;
  const width = roundChannels(inChannels * expansion);
  const squeezed = Math.max(1, Math.floor(inChannels / 4));
  const layer = { activation: silu, ...init };
  return new InvertedResidual({
    name: 'block',
    steps: [
      ...(width === inChannels ? [] : [new ConvNorm(gpu, inChannels, width, { kernelSize: 1, ...layer })]),
      new ConvNorm(gpu, width, width, { kernelSize: kernel, stride, groups: width, ...layer }),
      new SqueezeExcite(gpu, width, squeezed, { activation: silu, gate: sigmoid, ...init }),
      new ConvNorm(gpu, width, channels, { kernelSize: 1, ...init }),
    ],
    residual: stride === 1 && inChannels === channels,
    depth: new StochasticDepth({ p, random: maskSource(init) }),
  });
}

/** EfficientNet-B0: 5,288,548 parameters with 1000 classes. */
export function efficientnet_b0(gpu: Gpu, options: FeaturesClassifierOptions): EfficientNet {
  return new EfficientNet(gpu, B0, options);
}

/** For the registry. */
export const EFFICIENTNETS: readonly Net[] = [
  {
    ...{ name: 'efficientnet_b0', title: 'EfficientNet-B0', headName: 'classifier.1', featureSize: 1280 },
    blocks: blockNames(8, [1]),
    marks: ['features.0.0.weight', 'conv_stem.weight'],
    input: torchvisionInput('efficientnet_b0'),
    build: efficientnet_b0,
    fits: (entries) =>
      !entries.has('features.1.1.block.0.0.weight') &&
      haveShapes(entries, {
        'features.0.0.weight': [32, 3, 3, 3],
        'features.1.0.block.0.0.weight': [32, 1, 3, 3],
        'features.8.0.weight': [1280, 320, 1, 1],
      }),
    fromTimm: timmRenamer(timmBlocks(B0), {
      conv_head: 'features.8.0',
      bn2: 'features.8.1',
      classifier: 'classifier.1',
    }),
  },
];

function timmBlocks({ stages }: EfficientNetShape) {
  return stages.flatMap(({ expansion, blocks }, stage) =>
    Array.from({ length: blocks }, (_, i) => ({
      timm: `blocks.${stage}.${i}`,
      at: `features.${stage + 1}.${i}.block`,
      expands: expansion !== 1,
      squeezes: true,
    })),
  );
}
