/** What a finished run knows of pictures that somebody judges it on: which it has learnt from, and which it held out. */
import { dirname, join, resolve } from 'node:path';
import { type FoundParts, type FoundSet, folderOf, placeIn, realPath } from '../data/index.ts';
import { FileError, UsageError } from '../errors.ts';
import { NUMBER_OPTIONS } from '../plan/index.ts';
import type { RunRecord } from '../report/index.ts';
import { parseSource } from '../weights/index.ts';
import { type FindOptions, findPictures } from './find-pictures.ts';
import { fingerprintOf, hashOf } from './fingerprint.ts';
import { isOwnConfig, RUN_FILES } from './run-folder.ts';

/** Pictures as a run sees them. */
export interface RunDivision {
  /** Divided as the run has divided them, if they are its own and nobody else has. */
  readonly parts: FoundParts;
  /** Whether the run was trained on them: `parts.train` is what it has learnt from. */
  readonly areOwn: boolean;
  /** Whether the run itself has chosen val. */
  readonly heldOut: boolean;
  /** What a reader must know, a sentence each. */
  readonly notes: readonly string[];
}

/** Options of `divideAsRun`. */
export type DivideOptions = Pick<FindOptions, 'signal' | 'onSurvey'>;

/**
 * The run that weights belong to: that of their folder.
 * @returns undefined if there is none. @throws FileError if a file of the run is damaged
 */
export async function runOfWeights(weights: string): Promise<RunRecord | undefined> {
  const folder = dirname(parseSource(weights).path);
  if (!isOwnConfig(join(folder, RUN_FILES.config))) return undefined;
  const { readRun } = await import('../report/index.ts');
  return readRun(folder);
}

/**
 * Divides pictures as a run did that has taken a share of them for val. The pictures that it held out are known from its
 * judgement; a run without one has its division made again. Pictures are the run's own if they lie where they lay, or
 * are the same files elsewhere.
 * @param data where the pictures are: a folder or a list
 * @param found the pictures there
 * @throws the signal's reason if that is aborted
 */
export async function divideAsRun(
  record: RunRecord,
  data: string,
  found: FoundParts,
  options: DivideOptions = {},
): Promise<RunDivision> {
  const { config } = record;
  const isSamePlace = realPath(config.data) === realPath(data);
  const asFound = { parts: found, areOwn: isSamePlace, heldOut: false, notes: [] };
  // Nobody has divided the pictures of train/ alone either.
  const whole = found.whole ?? (found.val || found.test ? undefined : found.train);
  if (config.valSplit === undefined || !whole) return asFound;

  const base = folderOf(resolve(data));
  const known = judgedPlaces(record);
  const held = known ?? (await dividedPlaces(record, data, whole, options));
  if (!held) return { ...asFound, notes: isSamePlace ? [UNKNOWN] : [] };
  const skipped = skippedPlaces(record);
  const isHeld = (path: string) => held.has(placeIn(base, path));
  const val = subset(whole, isHeld);
  const train = subset(whole, (path) => !isHeld(path) && !skipped.has(placeIn(whole.root, path)));
  const gone = held.size - val.length;
  const isUnchanged =
    config.fingerprint === undefined
      ? gone === 0 && train.length === config.pictures.train
      : config.fingerprint === hashOf(fingerprintOf({ train, val }));
  if (!isSamePlace && !isUnchanged) return { ...asFound, notes: gone === 0 ? [NAMESAKES] : [] };
  if (val.length === 0) return { ...asFound, notes: [UNKNOWN] };
  return {
    ...{ parts: { ...found, whole: undefined, train, val }, areOwn: true, heldOut: true },
    notes: isUnchanged ? [] : [changedNote(gone, held.size)],
  };
}

function changedNote(gone: number, held: number): string {
  const lost = gone > 0 ? `: ${gone} of the ${held} that it held out are gone` : '';
  return `The pictures have changed since the run${lost}. What is new counts as learnt from.`;
}

const UNKNOWN =
  'The run took a share of these pictures for val, but which is not known any more, as they have changed.';
const NAMESAKES =
  'All pictures that the run held out have namesakes here, but other files differ. If this is a changed copy of its ' +
  'pictures, the run has learnt from most of them: name the folder that it was trained on.';

/** The pictures that the run held out, as its judgement names them: relative to the data. */
function judgedPlaces({ config, judgement }: RunRecord): Set<string> | undefined {
  if (judgement?.split !== 'val' || judgement.data !== folderOf(config.data)) return undefined;
  return judgement.weights === RUN_FILES.best ? new Set(judgement.answers.map(({ path }) => path)) : undefined;
}

/** The pictures that the run's settings take for val. Undefined if these are not as many as the run's. */
async function dividedPlaces(
  record: RunRecord,
  data: string,
  { samples }: FoundSet,
  options: DivideOptions,
): Promise<Set<string> | undefined> {
  const { seed, valSplit, ignoreOrientation, maxPixels = NUMBER_OPTIONS.maxPixels.default, pictures } = record.config;
  const skipped = skippedPlaces(record);
  if (samples.length !== (pictures.train ?? 0) + (pictures.val ?? 0) + skipped.size) return undefined;
  const settings = { seed, maxPixels, threads: NUMBER_OPTIONS.threads.default };
  try {
    const { pictures: divided } = await findPictures(data, { ...options, settings, valSplit, ignoreOrientation });
    const { root } = divided.val;
    const kept = divided.val.samples.filter(({ path }) => !skipped.has(placeIn(root, path)));
    const base = folderOf(resolve(data));
    return new Set(kept.map(({ path }) => placeIn(base, path)));
  } catch (error) {
    // A class of one picture, or a share that is none: so they were never divided.
    if (error instanceof FileError || error instanceof UsageError) return undefined;
    throw error;
  }
}

/** The broken pictures that the run left out, relative to the root of its parts: `ants/1.jpg` of `val/ants/1.jpg`. */
function skippedPlaces({ config }: RunRecord): Set<string> {
  return new Set(config.skipped.map((name) => name.slice(name.indexOf('/') + 1)));
}

function subset(whole: FoundSet, isWanted: (path: string) => boolean): FoundSet {
  const samples = whole.samples.filter(({ path }) => isWanted(path));
  const { root, classes, leftOut, notRead } = whole;
  return { root, classes, samples, length: samples.length, leftOut, notRead };
}
