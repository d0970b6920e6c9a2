/**
 * ConvNeXt with torchvision's names and random draws (Z. Liu et al., "A ConvNet for the 2020s", 2022). Its blocks compute with the
 * channels last, as torchvision's do: two copies put them there and back, beside at least 768 multiply-adds of the linear layers for
 * each value copied, and layer norm and linear layers find adjacent what they sum.
 */
import { gelu, mul } from '../autograd/ops/elementwise.ts';
import { flatten } from '../autograd/ops/flatten.ts';
import { globalAvgPool2d } from '../autograd/ops/global-avg-pool2d.ts';
import { sizeOf, Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { torchvisionInput } from '../input-spec.ts';
import { Conv2d } from '../nn/conv2d.ts';
import { plus, type Step } from '../nn/fuse.ts';
import { type Init, refillTruncatedNormal, toBeRefilled } from '../nn/init.ts';
import { LayerNorm } from '../nn/layer-norm.ts';
import { LayerNorm2d, toChannelsFirst, toChannelsLast } from '../nn/layer-norm2d.ts';
import { Linear } from '../nn/linear.ts';
import { Module } from '../nn/module.ts';
import { pipe } from '../nn/pipe.ts';
import { Sequential } from '../nn/sequential.ts';
import { StochasticDepth } from '../nn/stochastic-depth.ts';
import {
  blockNames,
  classifierOptions,
  FeaturesClassifier,
  type FeaturesClassifierOptions,
  haveShapes,
  maskSource,
} from './features-classifier.ts';
import type { NamedShape, Net } from './net.ts';

/** Blocks of one width. A downsampling stands between two stages. */
export interface ConvNeXtStage {
  readonly channels: number;
  readonly blocks: number;
}

/** What distinguishes one ConvNeXt from another. */
export interface ConvNeXtShape {
  readonly stages: readonly ConvNeXtStage[];
  /** Probability that the last block is dropped in training; those before it in proportion to their depth. */
  readonly depth: number;
  /** The weight with which each block's part starts; 1e-6 by default. */
  readonly layerScale?: number;
}

const TINY: ConvNeXtShape = {
  stages: [
    { channels: 96, blocks: 3 },
    { channels: 192, blocks: 3 },
    { channels: 384, blocks: 9 },
    { channels: 768, blocks: 3 },
  ],
  depth: 0.1,
};

/** Of every layer norm. */
const EPS = 1e-6;
const LAYER_SCALE = 1e-6;
/** Deviation of new weights. */
const STD = 0.02;

/** Images [N, 3, H, W] to scores [N, classes]. Designed for 224×224; works from 32×32 on. */
export class ConvNeXt extends FeaturesClassifier {
  readonly #classifier: Sequential;

  /** @throws OptionError */
  constructor(gpu: Gpu, shape: ConvNeXtShape, options: FeaturesClassifierOptions) {
    const { classes, init } = classifierOptions('ConvNeXt', options);
    const later = toBeRefilled(init);
    const { stages, depth, layerScale = LAYER_SCALE } = shape;
    const total = stages.reduce((sum, { blocks }) => sum + blocks, 0);
    let index = 0;
    const parts = stages.flatMap(({ channels, blocks }, stage) => {
      const chain = Array.from({ length: blocks }, () => {
        const p = total > 1 ? (depth * index++) / (total - 1) : 0;
        return new ConvNeXtBlock(gpu, channels, { p, layerScale }, later);
      });
      const next = stages[stage + 1];
      const layers = next ? [new Downsampling(gpu, channels, next.channels, later)] : [];
      return [new Sequential(...chain), ...layers];
    });
    const width = stages.at(-1)!.channels;
    super({
      features: [new Patches(gpu, stages[0]!.channels, later), ...parts],
      classifier: [new LayerNorm2d(gpu, width, { eps: EPS }), flatten, new Linear(gpu, width, classes, later)],
    });
    this.#classifier = this.children.get('classifier') as Sequential;
    for (const [, module] of this.namedModules()) {
      if (module instanceof Conv2d || module instanceof Linear) refillTruncatedNormal(module.weight, STD, init);
    }
  }

  protected override neck(): readonly Step[] {
    return [globalAvgPool2d, ...this.#classifier.steps.slice(0, -1)];
  }
}

/** Squares of 4×4 pixels to channels, normalised: [N, 3, H, W] to [N, channels, H/4, W/4]. */
class Patches extends Sequential {
  constructor(gpu: Gpu, channels: number, init: Init) {
    super(
      new Conv2d(gpu, 3, channels, { kernelSize: 4, stride: 4, ...init }),
      new LayerNorm2d(gpu, channels, { eps: EPS }),
    );
  }

  get conv(): Conv2d {
    return this.children.get('0') as Conv2d;
  }
}

/** [N, inChannels, H, W] to [N, outChannels, H/2, W/2]. */
class Downsampling extends Sequential {
  constructor(gpu: Gpu, inChannels: number, outChannels: number, init: Init) {
    super(
      new LayerNorm2d(gpu, inChannels, { eps: EPS }),
      new Conv2d(gpu, inChannels, outChannels, { kernelSize: 2, stride: 2, ...init }),
    );
  }
}

/** Options of a ConvNeXtBlock. */
export interface ConvNeXtBlockOptions {
  /** Probability that its part is left out in training, of each image alone. */
  readonly p: number;
  /** The weight with which its part starts; 1e-6 by default. */
  readonly layerScale?: number;
}

/**
 * [N, C, H, W] to the same shape: a depthwise convolution, a layer norm over the channels and two linear layers on each pixel,
 * weighted by channel and added to the input. torchvision's `CNBlock`.
 */
export class ConvNeXtBlock extends Module {
  readonly #layers: Sequential;
  /** [C, 1, 1] */
  readonly layerScale: Tensor;
  readonly #depth: StochasticDepth;

  /** @throws OptionError */
  constructor(gpu: Gpu, channels: number, { p, layerScale = LAYER_SCALE }: ConvNeXtBlockOptions, init: Init) {
    super();
    const scale: readonly number[] = [channels, 1, 1];
    const start = new Float32Array(sizeOf(scale)).fill(layerScale);
    this.layerScale = this.registerParameter('layer_scale', Tensor.from(gpu, start, scale));
    this.#layers = this.registerModule(
      'block',
      new Sequential(
        new Conv2d(gpu, channels, channels, { kernelSize: 7, padding: 3, groups: channels, ...init }),
        toChannelsLast,
        new LayerNorm(gpu, channels, { eps: EPS }),
        new Linear(gpu, channels, 4 * channels, init),
        gelu,
        new Linear(gpu, 4 * channels, channels, init),
        toChannelsFirst,
      ),
    );
    this.#depth = this.registerModule('stochastic_depth', new StochasticDepth({ p, random: maskSource(init) }));
  }

  override forward(input: Tensor): Tensor {
    return pipe(
      input,
      this.#layers,
      (maps) => mul(this.layerScale, maps),
      ...(this.#depth.isActive ? [this.#depth] : []),
      plus(() => input),
    );
  }
}

/** ConvNeXt-Tiny: 28,589,128 parameters with 1000 classes. */
export function convnext_tiny(gpu: Gpu, options: FeaturesClassifierOptions): ConvNeXt {
  return new ConvNeXt(gpu, TINY, options);
}

/** For the registry. */
export const CONVNEXTS: readonly Net[] = [
  {
    ...{ name: 'convnext_tiny', title: 'ConvNeXt-Tiny', headName: 'classifier.2', featureSize: 768 },
    blocks: blockNames(7, [0, 2]),
    marks: ['features.1.0.layer_scale', 'stages.0.blocks.0.gamma'],
    input: torchvisionInput('convnext_tiny'),
    build: convnext_tiny,
    fits: (entries) =>
      !entries.has('features.5.9.layer_scale') &&
      haveShapes(entries, {
        'features.0.0.weight': [96, 3, 4, 4],
        'features.5.8.layer_scale': [384, 1, 1],
        'features.7.2.layer_scale': [768, 1, 1],
      }),
    fromTimm: renamed,
  },
];

/** timm's names of modules outside blocks, and of those inside. */
const TIMM_MODULES: Readonly<Record<string, string>> = {
  'stem.0': 'features.0.0',
  'stem.1': 'features.0.1',
  'head.norm': 'classifier.0',
  'head.fc': 'classifier.2',
};
const TIMM_LAYERS: Readonly<Record<string, string>> = {
  conv_dw: 'block.0',
  norm: 'block.2',
  'mlp.fc1': 'block.3',
  'mlp.fc2': 'block.5',
};

/** timm's entry (R. Wightman, pytorch-image-models, `convnext.py`) under torchvision's name. */
function renamed(name: string, shape: readonly number[]): NamedShape | undefined {
  const dot = name.lastIndexOf('.');
  const [module, kind] = [name.slice(0, dot), name.slice(dot + 1)];
  if (Object.hasOwn(TIMM_MODULES, module)) return { name: `${TIMM_MODULES[module]}.${kind}`, shape };
  const down = /^stages\.(\d+)\.downsample\.([01])$/.exec(module);
  if (down) return { name: `features.${2 * Number(down[1])}.${down[2]}.${kind}`, shape };
  const block = /^stages\.(\d+)\.blocks\.(\d+)(?:\.(.+))?$/.exec(module);
  if (!block) return undefined;
  const [, stage, index, layer] = block;
  const at = `features.${2 * Number(stage) + 1}.${index}`;
  if (layer === undefined) return kind === 'gamma' ? { name: `${at}.layer_scale`, shape: [...shape, 1, 1] } : undefined;
  if (!Object.hasOwn(TIMM_LAYERS, layer)) return undefined;
  // timm may store the linear layers as 1×1 convolutions.
  return {
    name: `${at}.${TIMM_LAYERS[layer]}.${kind}`,
    shape: layer.startsWith('mlp.') && shape.length === 4 ? shape.slice(0, 2) : shape,
  };
}
