/** The end of a run: what its best weights make of pictures that they did not learn from. */
import { DataLoader, type DecoderPool, folderOf, Generator, placeIn, valTransform } from '../data/index.ts';
import { WatchdogError } from '../gpu/errors.ts';
import type { InputSpec } from '../input-spec.ts';
import { judgeScores } from '../judge/index.ts';
import type { NumberSettings } from '../plan/index.ts';
import type { Best } from './best.ts';
import type { PictureSet } from './pictures.ts';
import { RUN_FILES, type RunFolder } from './run-folder.ts';
import type { RunPictures } from './run-pictures.ts';
import { type ScoreQuestion, scoreSet } from './score-set.ts';
import type { Reporter } from './types.ts';

export interface BestQuestion {
  readonly best: Pick<Best<unknown>, 'epoch'>;
  /** Absolute path of the data. */
  readonly data: string;
  readonly split: 'val' | 'test';
  /** Of this split. */
  readonly loader: DataLoader;
  /**
   * The scores that the best weights give all pictures of the loader, in order: [pictures, classes].
   * @param onScored may be called with the number of pictures done so far
   */
  readonly scores: (onScored: (done: number) => void) => Promise<Float32Array>;
  readonly folder: RunFolder;
  readonly reporter: Reporter | undefined;
  /** Draws what was judged; undefined if the run draws no pictures. */
  readonly drawn: RunPictures | undefined;
}

/**
 * Judges the best weights, writes the judgement and draws its pictures. All results of the run are on disk by then: if
 * this fails, that is reported and the run has ended well.
 * @throws WatchdogError if the device hangs
 */
export async function judgeBest(question: BestQuestion): Promise<void> {
  const { best, split, loader, scores, folder, reporter, drawn } = question;
  // Of a list, the folder that its paths count from.
  const data = folderOf(question.data);
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

/** A network and the pictures of test. */
export interface TestQuestion
  extends Pick<BestQuestion, 'best' | 'data' | 'folder' | 'reporter'>,
    Pick<ScoreQuestion, 'gpu' | 'chooser' | 'model' | 'watchdog'> {
  readonly settings: Pick<NumberSettings, 'batchSize'>;
  readonly input: InputSpec;
  readonly pool: DecoderPool;
  readonly test: PictureSet;
}

/**
 * Judges the best weights on test, which no epoch has seen. Broken pictures, which the check before training does not
 * look for, are left out and told.
 * @throws WatchdogError if the device hangs
 */
export async function judgeTest(question: TestQuestion): Promise<void> {
  const { best, data, folder, reporter, settings, input, pool, test } = question;
  const { batchSize } = settings;
  const transform = valTransform(input);
  const all = new DataLoader(test, { batchSize, shuffle: false, transform, generator: new Generator(0), pool });
  try {
    const broken = await all.check({ decode: true });
    if (broken.length > 0) reporter?.notJudged?.(broken.map(({ path }) => placeIn(data, path)));
    const loader = all.without(new Set(broken.map(({ index }) => index)));
    await judgeBest({
      ...{ best, data, split: 'test', loader, folder, reporter, drawn: undefined },
      scores: (onScored) => scoreSet({ ...question, loader, onScored }),
    });
  } catch (error) {
    if (error instanceof WatchdogError) throw error;
    reporter?.judgementFailed?.(error instanceof Error ? error : new Error(String(error)));
  }
}
