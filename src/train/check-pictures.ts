/** Finds all broken pictures of a run before its first step. */
import { dirname } from 'node:path';
import type { DataLoader } from '../data/index.ts';
import type { Phase } from '../models/types.ts';
import { BrokenPicturesError } from './errors.ts';
import { type Pictures, pictureName, withoutPictures } from './pictures.ts';
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
}

/**
 * Decodes all pictures of both phases once, and keeps in memory what fits. Of more than `mostDecoded` it reads only the
 * headers.
 * @throws BrokenPicturesError naming all that cannot be read, unless they are to be skipped; FileError if a class has
 *   none left; MissingPackageError; the signal's reason if that is aborted
 */
export async function checkPictures(request: CheckRequest): Promise<Checked> {
  const { pictures, loaders, skipBroken, signal, mostDecoded = MOST_DECODED } = request;
  const total = pictures.train.length + pictures.val.length;
  const read = loaders.train.dataset.samples.length + loaders.val.dataset.samples.length;
  const decode = read <= mostDecoded;
  const onChecked = counter(read, decode, request.reporter);
  const broken: { phase: Phase; index: number; path: string; reason: string }[] = [];
  for (const phase of ['train', 'val'] as const) {
    const found = await loaders[phase].check({ decode, signal, onChecked });
    broken.push(...found.map(({ index, path, error }) => ({ phase, index, path, reason: error.message })));
  }
  if (broken.length === 0) return { pictures, loaders, skipped: [] };
  if (!skipBroken)
    throw new BrokenPicturesError(
      dirname(pictures.train.root),
      total,
      broken,
      `${MEND}, or go on without them: ${SKIP}.`,
    );
  const skipped = broken.map(({ phase, path }) => pictureName(phase, pictures[phase], path));
  const kept = withoutPictures(pictures, skipped);
  const without = (phase: Phase) =>
    loaders[phase].without(new Set(broken.filter((one) => one.phase === phase).map(({ index }) => index)));
  return { pictures: kept, loaders: { train: without('train'), val: without('val') }, skipped };
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
  throw new BrokenPicturesError(dirname(pictures.train.root), total, reasons, RESTORE);
}

/**
 * Decodes the pictures of val once.
 * @throws BrokenPicturesError naming all that cannot be read
 */
export async function checkVal(pictures: Pictures, val: DataLoader): Promise<void> {
  const broken = await val.check({ decode: pictures.val.length <= MOST_DECODED });
  if (broken.length === 0) return;
  const reasons = broken.map(({ path, error }) => ({ path, reason: error.message }));
  throw new BrokenPicturesError(dirname(pictures.val.root), pictures.val.length, reasons, `${MEND}.`);
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
