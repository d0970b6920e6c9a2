/** Judges a trained network on pictures whose classes are known. */
import { placeIn } from '../data/index.ts';
import { FileError } from '../errors.ts';
import { type Judgement, judgeScores } from '../judge/index.ts';
import { type LabelledFolder, labelsByName } from './labelled-folder.ts';
import type { Predictor } from './predictor.ts';
import type { Unreadable } from './render-ahead.ts';

/** Callbacks of `judgeFolder`. */
export interface JudgeFolderOptions {
  /** Called once before the first picture: what a reader must know about the match of the classes. */
  readonly onNote?: ((note: string) => void) | undefined;
  /** Called after each picture. */
  readonly onJudged?: ((done: number, count: number) => void) | undefined;
  /** Aborting it ends the work after the current batch, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A judgement, and the pictures that could not be judged. */
export interface FolderJudgement {
  readonly judgement: Judgement;
  readonly unreadable: readonly Unreadable[];
}

/**
 * Judges a network on the pictures of a folder or list. Classes are matched by name. Pictures that cannot be read do not count.
 * @throws FileError if the classes do not match, or no picture can be read; the signal's reason; else as
 *   `Predictor.each`
 */
export async function judgeFolder(
  predictor: Predictor,
  folder: LabelledFolder,
  { onNote, onJudged, signal }: JudgeFolderOptions = {},
): Promise<FolderJudgement> {
  const { weights, classes, namesFrom, metadata } = predictor;
  const { data, split, samples } = folder;
  const { labels, notes } = labelsByName(folder, weights, { names: classes, source: namesFrom });
  for (const note of notes) onNote?.(note);
  const answered: { readonly path: string; readonly truth: number; readonly scores: Float32Array }[] = [];
  const unreadable: Unreadable[] = [];
  let done = 0;
  signal?.throwIfAborted();
  for await (const outcome of predictor.scores(samples.map(({ path }) => path))) {
    const { path, label } = samples[done++]!;
    if ('error' in outcome) unreadable.push(outcome);
    else answered.push({ path: placeIn(data, path), truth: labels[label]!, scores: outcome.scores });
    onJudged?.(done, samples.length);
    signal?.throwIfAborted();
  }
  if (answered.length === 0) {
    const why = unreadable[0] ? ` (${unreadable[0].error.message})` : '';
    throw new FileError(`${folder.path}: none of the ${samples.length} pictures can be read${why}.`);
  }
  const scores = new Float32Array(answered.length * classes.length);
  answered.forEach((one, i) => {
    scores.set(one.scores, i * classes.length);
  });
  const judged = judgeScores({
    classes,
    paths: answered.map(({ path }) => path),
    truths: answered.map(({ truth }) => truth),
    scores,
  });
  return { judgement: { version: 1, data, split, weights, epoch: epochOf(metadata.epoch), ...judged }, unreadable };
}

/** The epoch that a run wrote into its best weights. */
function epochOf(recorded: string | undefined): number | null {
  return recorded !== undefined && /^\d{1,9}$/.test(recorded) ? Number(recorded) : null;
}
