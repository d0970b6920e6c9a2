/** What torchvision's MobileNets and EfficientNets have in common: a chain `features`, a global mean, a chain `classifier`. */
import { DTypeError, OptionError } from '../autograd/errors.ts';
import { flatten } from '../autograd/ops/flatten.ts';
import { globalAvgPool2d } from '../autograd/ops/global-avg-pool2d.ts';
import type { RandomWords } from '../autograd/ops/keep-factors.ts';
import { checkNames, wholeNumber } from '../autograd/options.ts';
import { Conv2d } from '../nn/conv2d.ts';
import { Dropout } from '../nn/dropout.ts';
import type { Step } from '../nn/fuse.ts';
import { checkInit, INIT_OPTIONS, type Init, kaimingNormalFanOut } from '../nn/init.ts';
import { Linear } from '../nn/linear.ts';
import type { AnyModule, Module } from '../nn/module.ts';
import { Sequential } from '../nn/sequential.ts';
import { Classifier } from './classifier.ts';
import { unfolded } from './conv-norm.ts';
import type { Entries } from './net.ts';

/**
 * Options of such a network, and the source of its weights. The same source gives the masks of its dropout: a network that
 * trains needs one.
 */
export type FeaturesClassifierOptions = Init & {
  /** Outputs of the last layer; default 1000, as in ImageNet. */
  readonly classes?: number;
};

const OPTIONS = { classes: true, ...INIT_OPTIONS } as const;

/** Returns the options with defaults. @throws OptionError */
export function classifierOptions(owner: string, options: FeaturesClassifierOptions) {
  checkNames(owner, options, OPTIONS);
  checkInit(owner, options);
  const { classes = 1000, ...init } = options;
  return { classes: wholeNumber(owner, 'classes', classes, 1), init };
}

/** The source of masks for a network's training: that of its weights. Without one, training fails. */
export function maskSource({ random }: Init): RandomWords {
  return random ?? NO_SOURCE;
}

const NO_SOURCE: RandomWords = {
  u32() {
    throw new OptionError(
      'This network drops features at random in training, but was built without a source of random numbers. Build it with ' +
        '{ random: new Generator(seed) }, beside init: "skip" if its weights are loaded.',
    );
  },
};

/** The dropout before a head, by torch's masks. */
export function headDropout(init: Init): Dropout {
  return new Dropout({ p: 0.2, random: maskSource(init), masks: 'torch' });
}

/** The parts of a FeaturesClassifier. */
export interface FeaturesClassifierParts {
  /** From images to maps. */
  readonly features: readonly Module[];
  /** From features to scores. The last is the head. */
  readonly classifier: readonly [...Step[], Linear];
}

/**
 * Images [N, 3, H, W] to scores [N, classes]. Designed for 224×224; works for any size. Training drops some of the features
 * at random.
 */
export abstract class FeaturesClassifier extends Classifier {
  readonly featureSize: number;
  readonly headName: string;
  readonly #features: readonly Module[];
  readonly #classifier: Sequential;

  constructor({ features, classifier }: FeaturesClassifierParts) {
    super();
    const last = classifier.length - 1;
    this.featureSize = (classifier[last] as Linear).inFeatures;
    this.headName = `classifier.${last}`;
    this.#features = features;
    this.registerModule('features', new Sequential(...features));
    this.#classifier = this.registerModule('classifier', new Sequential(...classifier));
  }

  /** @throws DTypeError always: its activations and gates compute in f32 only */
  override half(): never {
    throw new DTypeError('half(): this network has layers that compute in f32 only. Use it without half precision.');
  }

  override get blocks(): ReadonlyMap<string, readonly AnyModule[]> {
    const layers = [...this.#classifier.children].filter(([, layer]) => layer.parameters().length > 0);
    return new Map<string, readonly AnyModule[]>([
      ...this.#features.map((module, i) => [`features.${i}`, [module]] as const),
      ...layers.map(([name, layer]) => [`classifier.${name}`, [layer]] as const),
    ]);
  }

  protected override trunk(): readonly Step[] {
    return unfolded(this.#features);
  }

  protected override neck(): readonly Step[] {
    return [globalAvgPool2d, flatten, ...this.#classifier.steps.slice(0, -1)];
  }

  /** Draws the weights as torchvision does at the end of construction: in the order of modules. Biases stay zeros. */
  protected drawWeights(init: Init, drawLinear: (layer: Linear) => void): void {
    for (const [, module] of this.namedModules()) {
      if (module instanceof Conv2d) kaimingNormalFanOut(module.weight, init);
      else if (module instanceof Linear) drawLinear(module);
    }
  }
}

/**
 * The names of the blocks of such a network.
 * @param features how many modules its features are, without the stem
 * @param layers places of those in `classifier` that have parameters
 */
export function blockNames(features: number, layers: readonly number[]): readonly string[] {
  return [...Array.from({ length: features + 1 }, (_, i) => `features.${i}`), ...layers.map((i) => `classifier.${i}`)];
}

/** Whether the entries have these names and shapes. */
export function haveShapes(entries: Entries, shapes: Readonly<Record<string, readonly number[]>>): boolean {
  return Object.entries(shapes).every(([name, shape]) => entries.get(name)?.shape.join() === shape.join());
}
