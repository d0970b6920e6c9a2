/** The demo's data set: the drawing for each file, in order. */
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

/** Names of the classes; their indices are the labels. */
export const DEMO_CLASSES: readonly string[] = CLASSES.map(({ name }) => name);

/** Number of pictures of each class. */
export interface DemoCounts {
  readonly train: number;
  readonly val: number;
}

/** Forty training batches of 16. One of the 160 validation pictures counts for 0.6 points of accuracy. */
export const DEMO_COUNTS: DemoCounts = { train: 320, val: 80 };

/** Side of a picture in pixels: more than the network sees, so that a crop is not all blur. */
export const PICTURE_SIDE = 96;

/** Separates the pictures' random numbers from those of training, which starts from the seed itself. */
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
 * Draws the pictures one by one. Two of the same phase and name, one per class, show the same scene with another
 * insect. No other two share a scene.
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
