/** Finds all broken pictures of a run before its first step. */
import type { CataloguePart, DataLoader, PictureFacts } from '../data/index.ts';
import type { Phase } from '../models/types.ts';
import { BrokenPicturesError } from './errors.ts';
import type { Surveyed } from './find-pictures.ts';
import { type Pictures, pictureName, rootOf, withoutPictures } from './pictures.ts';
import type { Reporter } from './types.ts';

/** Of more pictures, in both phases together, only the headers are read: decoding would take minutes. */
export const MOST_DECODED = 20_000;

const MEND = 'Mend or remove them';
const SKIP = 'skipBroken (--skip-broken)';
const RESTORE = 'They could be read when the run began. Restore them, or start a new run.';

/** Time between two reports of progress, milliseconds. */
const REPORT_EVERY = 250;

/** The pictures of a run and their loaders, without those that are broken. */
export interface Checked {
  readonly pictures: Pictures;
  readonly loaders: Readonly<Record<Phase, DataLoader>>;
  /** The names of those that are left out. */
  readonly skipped: readonly string[];
  /** What is known of the pictures; undefined if they were not decoded. */
  readonly parts: readonly CataloguePart[] | undefined;
}

export interface CheckRequest {
  readonly pictures: Pictures;
  /** Of these pictures, or of some of them: only those are read. */
  readonly loaders: Readonly<Record<Phase, DataLoader>>;
  /** Whether to go on without broken pictures. */
  readonly skipBroken: boolean;
  readonly signal: AbortSignal | undefined;
  readonly reporter: Pick<Reporter, 'picturesChecked'> | undefined;
  /** Default MOST_DECODED. */
  readonly mostDecoded?: number;
  /** What is known already, so that pictures are not decoded again. */
  readonly surveyed?: Surveyed | undefined;
}

/**
 * Decodes all pictures of both phases once, and keeps in memory what fits. Of more than `mostDecoded` it reads only the
 * headers.
 * @throws BrokenPicturesError naming all that cannot be read, unless they are to be skipped; FileError if a class has
 *   none left; MissingPackageError; the signal's reason if that is aborted
 */
export async function checkPictures(request: CheckRequest): Promise<Checked> {
  const { pictures, loaders, skipBroken, signal, surveyed, mostDecoded = MOST_DECODED } = request;
  const total = pictures.train.length + pictures.val.length;
  const read = loaders.train.dataset.samples.length + loaders.val.dataset.samples.length;
  const decode = read <= mostDecoded && !surveyed;
  const onChecked = counter(read, decode, request.reporter);
  const broken: { phase: Phase; index: number; path: string; reason: string }[] = [];
  const facts = new Map<string, PictureFacts>(surveyed?.facts);
  for (const phase of ['train', 'val'] as const) {
    // A loader may lack pictures that need not be read again.
    const { samples } = loaders[phase].dataset;
    const onFacts = (index: number, found: PictureFacts) => facts.set(samples[index]!.path, found);
    const found = await loaders[phase].check({ decode, signal, onChecked, onFacts });
    const errors = new Map(found.map((one) => [one.index, one]));
    samples.forEach(({ path }, index) => {
      const one = surveyed?.broken.get(path);
      if (one) errors.set(index, { ...one, index });
    });
    for (const { index, path, error } of [...errors.values()].sort((x, y) => x.index - y.index)) {
      broken.push({ phase, index, path, reason: error.message });
    }
  }
  const parts = partsOf(pictures, facts, broken.length);
  if (broken.length === 0) return { pictures, loaders, skipped: [], parts };
  if (!skipBroken)
    throw new BrokenPicturesError(rootOf(pictures), total, broken, `${MEND}, or go on without them: ${SKIP}.`);
  const skipped = broken.map(({ phase, path }) => pictureName(phase, pictures[phase], path));
  const kept = withoutPictures(pictures, skipped);
  const without = (phase: Phase) =>
    loaders[phase].without(new Set(broken.filter((one) => one.phase === phase).map(({ index }) => index)));
  return { pictures: kept, loaders: { train: without('train'), val: without('val') }, skipped, parts };
}

/** The pictures with what is known of them; undefined if nothing is known of some. */
function partsOf(
  pictures: Pictures,
  facts: ReadonlyMap<string, PictureFacts>,
  broken: number,
): CataloguePart[] | undefined {
  if (facts.size + broken < pictures.train.length + pictures.val.length) return undefined;
  return (['train', 'val'] as const).map((part) => {
    const { samples } = pictures[part];
    return { part, samples, facts: samples.map(({ path }) => facts.get(path)) };
  });
}

/**
 * Reads what the draws of a run depend on: the headers of the training pictures.
 * @throws BrokenPicturesError naming all that cannot be read; the signal's reason if that is aborted
 */
export async function readHeaders({ pictures, loaders, signal, reporter }: CheckRequest): Promise<void> {
  const total = pictures.train.length;
  const broken = await loaders.train.check({ decode: false, signal, onChecked: counter(total, false, reporter) });
  if (broken.length === 0) return;
  const reasons = broken.map(({ path, error }) => ({ path, reason: error.message }));
  throw new BrokenPicturesError(rootOf(pictures), total, reasons, RESTORE);
}

/**
 * Decodes the pictures of val once.
 * @throws BrokenPicturesError naming all that cannot be read
 */
export async function checkVal(pictures: Pictures, val: DataLoader): Promise<void> {
  const broken = await val.check({ decode: pictures.val.length <= MOST_DECODED });
  if (broken.length === 0) return;
  const reasons = broken.map(({ path, error }) => ({ path, reason: error.message }));
  throw new BrokenPicturesError(rootOf(pictures), pictures.val.length, reasons, `${MEND}.`);
}

/** Tells the reporter of pictures that are decoded, from time to time and at the end. */
export function surveyCounter(total: number, reporter: CheckRequest['reporter']): () => void {
  return counter(total, true, reporter);
}

function counter(total: number, decoded: boolean, reporter: CheckRequest['reporter']): () => void {
  let done = 0;
  let last = performance.now();
  return () => {
    done++;
    const now = performance.now();
    if (now - last < REPORT_EVERY && done < total) return;
    last = now;
    reporter?.picturesChecked?.({ done, total, decoded });
  };
}
