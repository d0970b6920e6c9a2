/** Finds the pictures of a run, and takes a share of them for val where nobody has. */
import { relative, sep } from 'node:path';
import {
  type BrokenPicture,
  type CheckOptions,
  DEFAULT_VAL_SPLIT,
  DecoderPool,
  type FoundSet,
  findAlike,
  findLayout,
  type Layout,
  MOST_COMPARED,
  type PictureFacts,
  splitPictures,
  surveyPictures,
} from '../data/index.ts';
import { UsageError } from '../errors.ts';
import type { NumberSettings } from '../plan/index.ts';
import type { PictureSet, Pictures } from './pictures.ts';

/** How the pictures of a run are found and read, as far as that differs from the tutorial's way. */
export interface DataSettings {
  /** The share of the pictures that the program took for val. */
  readonly valSplit?: number | undefined;
  /** Whether pictures stay as they are stored, though their EXIF says how to turn them. */
  readonly ignoreOrientation?: boolean | undefined;
}

export interface FindOptions extends DataSettings, Omit<CheckOptions, 'onChecked'> {
  readonly settings: Pick<NumberSettings, 'seed' | 'threads' | 'maxPixels'>;
  /** Called before pictures are decoded to be divided, with their number; then for each. */
  readonly onSurvey?: ((total: number) => CheckOptions['onChecked']) | undefined;
}

/** What decoding has told about pictures, by their paths. */
export interface Surveyed {
  readonly facts: ReadonlyMap<string, PictureFacts>;
  readonly broken: ReadonlyMap<string, BrokenPicture>;
}

/** The pictures of a run, and how they came to be two parts. */
export interface FoundPictures {
  readonly pictures: Pictures;
  readonly layout: Layout['kind'];
  readonly valIsTest: boolean;
  /** Set if the program took a share for val. */
  readonly split: { readonly valSplit: number; readonly torn: readonly string[] } | undefined;
  /** Set if the pictures were decoded to divide them. */
  readonly surveyed: Surveyed | undefined;
}

/** The limits of `valSplit`. @throws UsageError */
export function checkValSplit(value: number, shownAs = 'valSplit'): number {
  if (value > 0 && value < 1) return value;
  throw new UsageError(`${shownAs}: expected a share between 0 and 1, such as ${DEFAULT_VAL_SPLIT}, found ${value}`);
}

/**
 * Finds the pictures at a path: a folder with `train/` and `val/`, a folder of class folders, or a list.
 * @throws FileError if there is nothing, or too little to divide; UsageError if `valSplit` is given and there is a val
 *   already; MissingPackageError; the signal's reason if that is aborted
 */
export async function findPictures(path: string, options: FindOptions): Promise<FoundPictures> {
  const { valSplit } = options;
  const layout = await findLayout(path);
  const { kind, classes, train, val, test, valIsTest } = layout;
  const found = { layout: kind, valIsTest };
  if (val) {
    if (valSplit !== undefined) {
      throw new UsageError(
        `valSplit (--val-split): ${path} has pictures for ${valIsTest ? 'test' : 'val'} already; leave it out`,
      );
    }
    return {
      ...found,
      pictures: { train, val, classes, ...(test && { test }) },
      split: undefined,
      surveyed: undefined,
    };
  }
  const fraction = checkValSplit(valSplit ?? DEFAULT_VAL_SPLIT);
  const { parts, torn, surveyed } = await divide(train, fraction, path, options);
  return {
    ...found,
    pictures: { ...parts, classes, ...(test && { test }) },
    split: { valSplit: fraction, torn },
    surveyed,
  };
}

async function divide(whole: FoundSet, fraction: number, root: string, options: FindOptions) {
  const { samples, classes } = whole;
  // Of more pictures, only names decide.
  const surveyed = samples.length <= MOST_COMPARED ? await survey(whole, options) : undefined;
  const { isVal, torn } = splitPictures({
    ...{ root, classes, fraction, seed: options.settings.seed },
    names: samples.map(({ path }) => relative(whole.root, path).split(sep).join('/')),
    labels: samples.map(({ label }) => label),
    alike: surveyed ? findAlike(samples.map(({ path }) => surveyed.facts.get(path))) : [],
  });
  const part = (wanted: boolean): PictureSet => {
    const some = samples.filter((_, index) => isVal[index] === wanted);
    // What is left out belongs to neither, and is told once.
    const { leftOut, notRead } = wanted ? { leftOut: [], notRead: [] } : whole;
    return { root: whole.root, classes, samples: some, length: some.length, leftOut, notRead };
  };
  return { parts: { train: part(false), val: part(true) }, torn, surveyed };
}

async function survey({ samples }: FoundSet, options: FindOptions): Promise<Surveyed> {
  const { settings, signal, onSurvey, ignoreOrientation } = options;
  const { threads, maxPixels } = settings;
  const pool = new DecoderPool(threads, { maxPixels, ignoreOrientation });
  try {
    pool.start();
    const { facts, broken } = await surveyPictures(pool, samples, { signal, onChecked: onSurvey?.(samples.length) });
    return {
      facts: new Map(samples.flatMap(({ path }, i) => (facts[i] ? [[path, facts[i]] as const] : []))),
      broken: new Map(broken.map((one) => [one.path, one])),
    };
  } finally {
    await pool.close();
  }
}
