/** What is known of an architecture without building it. Each family states it for its nets; `registry.ts` gathers them. */
import type { Gpu } from '../gpu/gpu.ts';
import type { InputSpec } from '../input-spec.ts';
import type { Init } from '../nn/init.ts';
import type { Classifier } from './classifier.ts';
import type { NetName } from './types.ts';

/** The shapes of a checkpoint's entries by their names, without a prefix. */
export type Entries = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** An entry under torchvision's name, in torchvision's shape. */
export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
  /** Added to each of its values; nothing by default. */
  readonly plus?: number;
}

/** An architecture. */
export interface Net {
  /** torchvision's name. */
  readonly name: NetName;
  /** For people: `ResNet-50`. */
  readonly title: string;
  /** The name of the last layer, as `Classifier.headName`. */
  readonly headName: string;
  /** Features per picture, as `Classifier.featureSize`. */
  readonly featureSize: number;
  /** The names of its blocks, in the order of computing, as the keys of `Classifier.blocks`. The last is the head. */
  readonly blocks: readonly string[];
  /**
   * Names of entries of which each file of this net has one, whichever program wrote it, and few other files have any. What
   * stands before it is a prefix, such as `model.`.
   */
  readonly marks: readonly string[];
  /** How torchvision's weights of it take a picture. */
  readonly input: InputSpec;
  /** Builds it; by default for the 1000 classes of ImageNet. It draws what torchvision's constructor draws, in its order. */
  build(gpu: Gpu, options: Init & { readonly classes?: number }): Classifier;
  /** Whether these entries, under torchvision's names, are this net's. It tells by a few of them; the last layer may be missing. */
  fits(entries: Entries): boolean;
  /**
   * timm's entry under torchvision's name, for nets to which timm gives other names. Undefined if timm's net of this name has
   * no such entry. Whether all together are this net is left to `fits`.
   */
  fromTimm?(name: string, shape: readonly number[]): NamedShape | undefined;
  /** What a user should know of an entry under timm's names, as a clause. */
  readonly timmNote?: string;
  /** The graph of an ONNX file's network without its weights, as text: what files of a run keep of it. */
  readonly graph?: string;
}
