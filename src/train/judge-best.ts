/** The end of a run: what its best weights make of pictures that they did not learn from. */
import { type DataLoader, placeIn } from '../data/index.ts';
import { WatchdogError } from '../gpu/errors.ts';
import { judgeScores } from '../judge/index.ts';
import type { Best } from './best.ts';
import { RUN_FILES, type RunFolder } from './run-folder.ts';
import type { RunPictures } from './run-pictures.ts';
import type { Reporter } from './types.ts';

export interface BestQuestion {
  readonly best: Pick<Best<unknown>, 'epoch'>;
  /** Absolute path of the data. */
  readonly data: string;
  /** Of val. */
  readonly loader: DataLoader;
  /**
   * The scores that the best weights give all pictures of val, in order: [pictures, classes].
   * @param onScored may be called with the number of pictures done so far
   */
  readonly scores: (onScored: (done: number) => void) => Promise<Float32Array>;
  readonly folder: RunFolder;
  readonly reporter: Reporter | undefined;
  /** Draws what was judged; undefined if the run draws no pictures. */
  readonly drawn: RunPictures | undefined;
}

/**
 * Judges the best weights, writes judgement.json and draws its pictures. All results of the run are on disk by then: if
 * this fails, that is reported and the run has ended well.
 * @throws WatchdogError if the device hangs
 */
export async function judgeBest({ best, data, loader, scores, folder, reporter, drawn }: BestQuestion): Promise<void> {
  const split = 'val';
  const { classes, samples } = loader.dataset;
  const count = samples.length;
  try {
    const judged = judgeScores({
      classes,
      paths: samples.map(({ path }) => placeIn(data, path)),
      truths: samples.map(({ label }) => label),
      scores: await scores((done) => reporter?.judging?.({ split, done, count })),
    });
    const judgement = { version: 1, data, split, weights: RUN_FILES.best, epoch: best.epoch, ...judged } as const;
    folder.writeJudgement(judgement);
    reporter?.judged?.(judgement);
    await drawn?.drawJudged(judgement, loader);
  } catch (error) {
    if (error instanceof WatchdogError) throw error;
    reporter?.judgementFailed?.(error instanceof Error ? error : new Error(String(error)));
  }
}
