/** The demo's data set in order: what is drawn for which file. */
import { Generator } from '../data/index.ts';
import { drawAnt } from './ant.ts';
import { drawBee } from './bee.ts';
import type { DrawInsect } from './insect.ts';
import { drawScene, pictureOf } from './scene.ts';

/** Sorted, as the names of class folders are. */
const CLASSES: readonly { readonly name: string; readonly draw: DrawInsect }[] = [
  { name: 'ants', draw: drawAnt },
  { name: 'bees', draw: drawBee },
];

/** Names of the classes; their places are the labels. */
export const DEMO_CLASSES: readonly string[] = CLASSES.map(({ name }) => name);

/** Pictures of each class. */
export interface DemoCounts {
  readonly train: number;
  readonly val: number;
}

/** Forty batches of 16 to learn from; of 160 to measure with, one is 0.6 points of accuracy. */
export const DEMO_COUNTS: DemoCounts = { train: 320, val: 80 };

/** Side of a picture, pixels: more than the network sees, so that a crop of it is not all blur. */
export const PICTURE_SIDE = 96;

/** Keeps the pictures' random numbers apart from those of the training, which begins with the seed itself. */
const STREAM = 0x64656d6f;

export interface DemoPicture {
  /** Path below the data set's folder, such as `train/ants/007.png`. */
  readonly file: string;
  readonly svg: string;
}

/** All paths of the data set, in the order of `drawPictures`. */
export function pictureFiles(counts: DemoCounts): string[] {
  return (['train', 'val'] as const).flatMap((phase) =>
    Array.from({ length: counts[phase] }, (_, i) => `${String(i).padStart(3, '0')}.png`).flatMap((name) =>
      DEMO_CLASSES.map((className) => `${phase}/${className}/${name}`),
    ),
  );
}

/**
 * Draws the pictures one by one. Two of the same name, one of either class, show the same scene with another insect; no
 * other two have a scene in common.
 */
export function* drawPictures(seed: number, counts: DemoCounts): IterableIterator<DemoPicture> {
  const random = new Generator((seed % 2 ** 32) + STREAM);
  const files = pictureFiles(counts);
  for (let i = 0; i < files.length; i += CLASSES.length) {
    const scene = drawScene(random);
    for (const [k, { draw }] of CLASSES.entries()) {
      yield { file: files[i + k]!, svg: pictureOf(scene, draw, PICTURE_SIDE) };
    }
  }
}
