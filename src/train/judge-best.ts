/** The end of a run: what its best weights make of the pictures of val. */
import type { DataLoader } from '../data/index.ts';
import { WatchdogError } from '../gpu/errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Watchdog } from '../gpu/watchdog.ts';
import type { Chooser } from '../kernels/chooser.ts';
import type { ResNet } from '../models/index.ts';
import type { Best } from './best.ts';
import { judgeSet } from './judge-set.ts';
import { RUN_FILES, type RunFolder } from './run-folder.ts';
import type { RunPictures } from './run-pictures.ts';
import type { Reporter } from './types.ts';

export interface BestQuestion {
  readonly gpu: Gpu;
  readonly chooser: Chooser;
  /** Has the best weights and is in evaluation mode. */
  readonly model: ResNet;
  readonly best: Pick<Best<unknown>, 'epoch'>;
  /** Absolute path of the data. */
  readonly data: string;
  /** Of val. */
  readonly loader: DataLoader;
  readonly folder: RunFolder;
  readonly watchdog: Watchdog;
  readonly reporter: Reporter | undefined;
  /** Draws what was judged; undefined if the run draws no pictures. */
  readonly drawn: RunPictures | undefined;
}

/**
 * Judges the best weights, writes judgement.json and draws its pictures. All results of the run are on disk by then: if
 * this fails, that is reported and the run has ended well.
 * @throws WatchdogError if the device hangs
 */
export async function judgeBest(question: BestQuestion): Promise<void> {
  const { best, data, loader, folder, reporter, drawn } = question;
  try {
    const count = loader.dataset.samples.length;
    const judgement = await judgeSet({
      ...question,
      source: { data, split: 'val', weights: RUN_FILES.best, epoch: best.epoch },
      onJudged: (done) => reporter?.judging?.({ split: 'val', done, count }),
    });
    folder.writeJudgement(judgement);
    reporter?.judged?.(judgement);
    await drawn?.drawJudged(judgement, loader);
  } catch (error) {
    if (error instanceof WatchdogError) throw error;
    reporter?.judgementFailed?.(error instanceof Error ? error : new Error(String(error)));
  }
}
