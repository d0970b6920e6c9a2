/** The two data sets of a run and their loaders. */
import { dirname, join, relative, sep } from 'node:path';
import {
  checkParts,
  DataLoader,
  type DecoderPool,
  type Generator,
  type ImageDataset,
  ImageFolder,
  type LeftOut,
  type Transform,
  trainTransform,
  valTransform,
} from '../data/index.ts';
import { FileError } from '../errors.ts';
import type { InputSpec } from '../input-spec.ts';
import type { Phase } from '../models/types.ts';
import type { NumberSettings } from '../plan/index.ts';
import { listed } from '../printable.ts';
import { type Augment, type OpenRegularization, PLAIN } from './regularization.ts';

/** The pictures of one phase. */
export interface PictureSet extends ImageDataset {
  /** The folder that holds the class folders. */
  readonly root: string;
  /** Number of pictures. */
  readonly length: number;
  /** Paths of hidden folders and of `._*` files, which are no classes and no pictures. */
  readonly leftOut: readonly string[];
  /** Files that are not read though they lie among the pictures, such as GIF. */
  readonly notRead: readonly LeftOut[];
}

/** The pictures of a data set, by phase. */
export interface Pictures extends Readonly<Record<Phase, PictureSet>> {
  /** Names of the classes, sorted; a class's position is its label. */
  readonly classes: readonly string[];
  /** Pictures to judge the end by, which no epoch sees. Classes are the same, and some may have no picture here. */
  readonly test?: PictureSet;
}

/**
 * Lists the pictures in `root/train` and `root/val`; `findPictures` knows other layouts.
 * @throws FileError if a folder is missing or empty, or if the two differ in classes or have fewer than two
 */
export function openPictures(root: string): Pictures {
  const train = new ImageFolder(join(root, 'train'));
  const val = new ImageFolder(join(root, 'val'));
  checkParts(root, train, val);
  return { train, val, classes: train.classes };
}

/**
 * Makes the tutorial's loaders. Both shuffle and both draw from `generator`. To match torch's random values, do not
 * start to iterate over one before leaving the other's iteration.
 */
export function makeLoaders(
  pictures: Pick<Pictures, Phase>,
  settings: Pick<NumberSettings, 'batchSize' | 'workers'> & { readonly input: InputSpec },
  generator: Generator,
  pool: DecoderPool,
  { augment, mixup }: Pick<OpenRegularization, 'augment' | 'mixup'> = PLAIN,
): Record<Phase, DataLoader> {
  const { batchSize, workers, input } = settings;
  const shared = { batchSize, workers, shuffle: true, generator, pool };
  return {
    train: new DataLoader(pictures.train, {
      ...shared,
      transform: transformOf(augment, input),
      ...(mixup > 0 && { mixup }),
    }),
    val: new DataLoader(pictures.val, { ...shared, transform: valTransform(input) }),
  };
}

/** What training pictures go through. */
function transformOf(augment: Augment, input: InputSpec): Transform {
  if (augment === 'none') return valTransform(input);
  return trainTransform(input, augment === 'tutorial' ? undefined : augment);
}

/** The folder of both parts, for messages. */
export function rootOf({ train, val }: Pick<Pictures, Phase>): string {
  return train.root === val.root ? train.root : dirname(train.root);
}

/** A picture's place in the data set, the same on every system: `train/ants/0013035.jpg`. */
export function pictureName(phase: Phase, { root }: Pick<PictureSet, 'root'>, path: string): string {
  return `${phase}/${relative(root, path).split(sep).join('/')}`;
}

/**
 * The pictures without some, given by name.
 * @throws FileError if a class would have none left
 */
export function withoutPictures(pictures: Pictures, names: readonly string[]): Pictures {
  if (names.length === 0) return pictures;
  const skipped = new Set(names);
  const of = (phase: Phase): PictureSet => {
    const { root, classes, samples, leftOut, notRead } = pictures[phase];
    const kept = samples.filter(({ path }) => !skipped.has(pictureName(phase, pictures[phase], path)));
    const empty = classes.filter((_, label) => !kept.some((sample) => sample.label === label));
    if (empty.length > 0) {
      throw new FileError(
        `${root}: no picture of the classes ${listed(empty)} can be read. Mend them, or remove the folders.`,
      );
    }
    return { root, classes, samples: kept, length: kept.length, leftOut, notRead };
  };
  return { ...pictures, train: of('train'), val: of('val') };
}
