/**
 * MobileNetV3 with torchvision's names and random draws (A. Howard et al., "Searching for MobileNetV3", 2019, tables 1
 * and 2).
 */
import { hardsigmoid, hardswish, relu } from '../autograd/ops/elementwise.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { IMAGENET_INPUT } from '../input-spec.ts';
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
import { roundChannels } from './round-channels.ts';
import { SqueezeExcite } from './squeeze-excite.ts';
import { type TimmBlock, timmRenamer } from './timm-mobile.ts';

/** A block: the side of its kernel, its width inside, its channels out, and its stride. */
export interface MobileNetV3Block {
  readonly kernel: number;
  readonly width: number;
  readonly channels: number;
  /** Whether it weighs its channels by squeeze and excitation. */
  readonly squeeze: boolean;
  readonly activation: 'relu' | 'hardswish';
  readonly stride: number;
}

/** What distinguishes one MobileNetV3 from another. */
export interface MobileNetV3Shape {
  readonly stem: number;
  readonly blocks: readonly MobileNetV3Block[];
  /** Features that the head takes. */
  readonly features: number;
}

const ACTIVATIONS = { relu, hardswish };
/** Of every batch norm. */
const NORM = { eps: 0.001, momentum: 0.01 };
/** timm's nets keep torch's default. */
const TIMM_EPS = 1e-5;
const STEM = 16;

const row = (
  kernel: number,
  width: number,
  channels: number,
  squeeze: boolean,
  activation: 'relu' | 'hardswish',
  stride: number,
): MobileNetV3Block => ({ kernel, width, channels, squeeze, activation, stride });

const LARGE: MobileNetV3Shape = {
  stem: STEM,
  blocks: [
    row(3, 16, 16, false, 'relu', 1),
    row(3, 64, 24, false, 'relu', 2),
    row(3, 72, 24, false, 'relu', 1),
    row(5, 72, 40, true, 'relu', 2),
    row(5, 120, 40, true, 'relu', 1),
    row(5, 120, 40, true, 'relu', 1),
    row(3, 240, 80, false, 'hardswish', 2),
    row(3, 200, 80, false, 'hardswish', 1),
    row(3, 184, 80, false, 'hardswish', 1),
    row(3, 184, 80, false, 'hardswish', 1),
    row(3, 480, 112, true, 'hardswish', 1),
    row(3, 672, 112, true, 'hardswish', 1),
    row(5, 672, 160, true, 'hardswish', 2),
    row(5, 960, 160, true, 'hardswish', 1),
    row(5, 960, 160, true, 'hardswish', 1),
  ],
  features: 1280,
};

const SMALL: MobileNetV3Shape = {
  stem: STEM,
  blocks: [
    row(3, 16, 16, true, 'relu', 2),
    row(3, 72, 24, false, 'relu', 2),
    row(3, 88, 24, false, 'relu', 1),
    row(5, 96, 40, true, 'hardswish', 2),
    row(5, 240, 40, true, 'hardswish', 1),
    row(5, 240, 40, true, 'hardswish', 1),
    row(5, 120, 48, true, 'hardswish', 1),
    row(5, 144, 48, true, 'hardswish', 1),
    row(5, 288, 96, true, 'hardswish', 2),
    row(5, 576, 96, true, 'hardswish', 1),
    row(5, 576, 96, true, 'hardswish', 1),
  ],
  features: 1024,
};

/** Images [N, 3, H, W] to scores [N, classes]. Designed for 224×224; works for any size. */
export class MobileNetV3 extends FeaturesClassifier {
  /** @throws OptionError */
  constructor(gpu: Gpu, shape: MobileNetV3Shape, options: FeaturesClassifierOptions) {
    const { classes, init } = classifierOptions('MobileNetV3', options);
    const later = toBeRefilled(init);
    const layer = { norm: NORM, activation: hardswish, ...later };
    const last = shape.blocks.at(-1)!.channels;
    super({
      features: [
        new ConvNorm(gpu, 3, shape.stem, { stride: 2, ...layer }),
        ...shape.blocks.map((one, i) =>
          mobileNetV3Block(gpu, i === 0 ? shape.stem : shape.blocks[i - 1]!.channels, one, later),
        ),
        new ConvNorm(gpu, last, pooledOf(shape), { kernelSize: 1, ...layer }),
      ],
      classifier: [
        new Linear(gpu, pooledOf(shape), shape.features, later),
        hardswish,
        headDropout(init),
        new Linear(gpu, shape.features, classes, later),
      ],
    });
    this.drawWeights(init, ({ weight }) => refillNormal(weight, 0.01, init));
  }
}

/** Channels of the maps that are averaged. */
function pooledOf({ blocks }: MobileNetV3Shape): number {
  return 6 * blocks.at(-1)!.channels;
}

/** A block: [N, inChannels, H, W] to [N, channels, H/stride, W/stride], rounded up. */
export function mobileNetV3Block(gpu: Gpu, inChannels: number, one: MobileNetV3Block, init: Init): InvertedResidual {
  const { kernel, width, channels, squeeze, stride } = one;
  const layer = { norm: NORM, activation: ACTIVATIONS[one.activation], ...init };
  const squeezed = roundChannels(Math.floor(width / 4));
  return new InvertedResidual({
    name: 'block',
    steps: [
      ...(width === inChannels ? [] : [new ConvNorm(gpu, inChannels, width, { kernelSize: 1, ...layer })]),
      new ConvNorm(gpu, width, width, { kernelSize: kernel, stride, groups: width, ...layer }),
      ...(squeeze ? [new SqueezeExcite(gpu, width, squeezed, { activation: relu, gate: hardsigmoid, ...init })] : []),
      new ConvNorm(gpu, width, channels, { kernelSize: 1, norm: NORM, ...init }),
    ],
    residual: stride === 1 && inChannels === channels,
  });
}

/** MobileNetV3 large: 5,483,032 parameters with 1000 classes. */
export function mobilenet_v3_large(gpu: Gpu, options: FeaturesClassifierOptions): MobileNetV3 {
  return new MobileNetV3(gpu, LARGE, options);
}

/** MobileNetV3 small: 2,542,856 parameters with 1000 classes. */
export function mobilenet_v3_small(gpu: Gpu, options: FeaturesClassifierOptions): MobileNetV3 {
  return new MobileNetV3(gpu, SMALL, options);
}

/** For the registry. */
export const MOBILENETS_V3: readonly Net[] = [
  net('mobilenet_v3_small', 'MobileNetV3 small', SMALL, [1, 2, 3, 2, 3]),
  net('mobilenet_v3_large', 'MobileNetV3 large', LARGE, [1, 2, 3, 4, 2, 3]),
];

/** @param stages blocks in each of timm's stages */
function net(
  name: 'mobilenet_v3_small' | 'mobilenet_v3_large',
  title: string,
  shape: MobileNetV3Shape,
  stages: readonly number[],
): Net {
  const last = shape.blocks.length + 1;
  const rename = timmRenamer(timmBlocks(shape, stages), {
    [`blocks.${stages.length}.0.conv`]: `features.${last}.0`,
    [`blocks.${stages.length}.0.bn1`]: `features.${last}.1`,
    conv_head: 'classifier.0',
    classifier: 'classifier.3',
  });
  return {
    ...{ name, title, headName: 'classifier.3', featureSize: shape.features },
    blocks: blockNames(last, [0, 3]),
    marks: ['features.0.0.weight', 'conv_stem.weight'],
    input: IMAGENET_INPUT,
    build: (gpu, options) => new MobileNetV3(gpu, shape, options),
    fits: (entries) =>
      haveShapes(entries, {
        'features.0.0.weight': [STEM, 3, 3, 3],
        'features.1.block.0.0.weight': [STEM, 1, 3, 3],
        [`features.${last}.0.weight`]: [pooledOf(shape), shape.blocks.at(-1)!.channels, 1, 1],
      }),
    // timm's batch norms have another eps. Moved into the variances, it gives the same values in evaluation mode.
    fromTimm: (entry, entryShape) => {
      const renamed = rename(entry, entryShape);
      return renamed?.name.endsWith('.running_var') ? { ...renamed, plus: TIMM_EPS - NORM.eps } : renamed;
    },
    timmNote: 'eps of batch norms, there 1e-5, moved into their variances: here it is 1e-3',
  };
}

function timmBlocks({ stem, blocks }: MobileNetV3Shape, stages: readonly number[]): TimmBlock[] {
  let index = 0;
  return stages.flatMap((count, stage) =>
    Array.from({ length: count }, (_, i): TimmBlock => {
      const inChannels = index === 0 ? stem : blocks[index - 1]!.channels;
      const { width, squeeze } = blocks[index]!;
      const at = `features.${++index}.block`;
      return { timm: `blocks.${stage}.${i}`, at, expands: width !== inChannels, squeezes: squeeze };
    }),
  );
}
