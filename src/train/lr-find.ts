/**
 * Searches a learning rate: some steps at rates that grow from far too small to far too large, and the loss at each
 * (L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, arXiv:1506.01186). Numbers, smoothing, end
 * and suggestion are those of fastai's `Learner.lr_find` (fastai/callback/schedule.py).
 */
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { Watchdog } from '../gpu/watchdog.ts';
import type { HostBatch } from '../models/step.ts';
import { writeFileAtomic } from '../weights/index.ts';
import { checkMode, type TrainOptions } from './options.ts';
import { runPhase } from './phase.ts';
import { checkOutside, checkUnused, makeRunFolder, RunFolder } from './run-folder.ts';
import { runStart } from './run-start.ts';
import { checkPath, planRun, type SetUp, type SetUpPlan, withSetUp } from './set-up.ts';
import type { StepProgress } from './types.ts';

/** The files that a search leaves in its folder. */
export const SEARCH_FILES = { picture: 'lr-find.png', values: 'lr-find.json' } as const;

/** The first and the last rate, and how many updates lead from one to the other. */
const SWEEP = { from: 1e-7, to: 10, updates: 100 } as const;
/** Share of the losses before in the smoothed one. */
const SMOOTHING = 0.98;
/** The search ends when the smoothed loss is so many times the least one. */
const DIVERGED = 4;
/** Points at the start, where the smoothing still settles, and at the end, where the loss explodes. */
const LEFT_OUT = { first: SWEEP.updates / 10, last: 5 } as const;

/** The loss at one learning rate. */
export interface SearchPoint {
  /** Of the last layer, if the others have a rate of their own. */
  readonly lr: number;
  /** Smoothed over the updates before. */
  readonly loss: number;
}

/** The result of a search, and the contents of lr-find.json. */
export interface SearchResult {
  /** In the middle of the longest fall of the loss, fastai's `valley`; null if the loss does not fall. */
  readonly suggested: number | null;
  /**
   * Where the loss falls fastest over the logarithm of the rate, as fastai's `steep`, but not behind the least loss,
   * where it jumps up and down; null if it does not fall.
   */
  readonly steepest: number | null;
  readonly points: readonly SearchPoint[];
  /** Whether the loss exploded before the last rate, as it should. */
  readonly diverged: boolean;
  /** The folder with the picture and these values. */
  readonly folder: string;
}

/**
 * Searches a learning rate for the run that these options describe, at its first epoch: with `freezeEpochs` for the last
 * layer alone. `lrBackbone` keeps its ratio to `lr`. Schedule, warm-up and what concerns later epochs have no effect. The
 * folder gets lr-find.png and lr-find.json, and no weights; it may be the folder of a run afterwards.
 * @throws as `train`; the signal's reason if that is aborted
 */
export async function findLearningRate(options: TrainOptions): Promise<SearchResult> {
  const { out } = options;
  if (out !== undefined) checkUnused(out);
  const mode = checkMode(options.mode ?? 'finetune');
  if (mode === 'probe') {
    throw new UsageError("mode: a search is for 'finetune' and 'extract'; a probe has a learning rate that suits it");
  }
  checkPath('data', 'the folder of the pictures', options.data);
  checkOutside(options.data, out);
  const plan = forSearch(await planRun(options, mode));
  const made = out === undefined ? makeRunFolder('lr-find') : undefined;
  let folder: RunFolder | undefined;
  try {
    folder = new RunFolder(made?.path ?? out!);
    const { path } = folder;
    const found = await withSetUp(options, plan, async (setUp) => ({
      result: await sweep(setUp, plan, options, path),
      keepsModel: false,
    }));
    const result = { ...suggestRate(found.points), ...found, folder: path };
    await write(result, options);
    return result;
  } finally {
    folder?.close();
    made?.removeEmpty();
  }
}

/** The plan of a run that has one rate for each update. */
function forSearch(plan: SetUpPlan): SetUpPlan {
  const { lr, lrBackbone } = plan.settings;
  if (lr !== lrBackbone && lr === 0) {
    throw new UsageError('lr: a search keeps the ratio of lrBackbone to it; expected more than 0, found 0');
  }
  return {
    ...plan,
    recipe: { ...plan.recipe, schedule: 'step' },
    settings: { ...plan.settings, epochs: 1, warmup: 0 },
  };
}

async function sweep(setUp: SetUp, plan: SetUpPlan, options: TrainOptions, folder: string) {
  const { gpu, chooser, model, learner, loaders } = setUp;
  const { mode, settings, recipe } = plan;
  const { signal, reporter, demo = false } = options;
  const { groups } = learner.optimizer;
  const ratios = groups.map(({ lr }) => (groups.length === 1 ? 1 : lr / groups.at(-1)!.lr));
  const perEpoch = loaders.train.length;
  const steps = stepsOf(SWEEP.updates, perEpoch, (step) => learner.updatesAfter(step));
  const losses = new SmoothedLosses();
  const stop = new AbortController();
  // Each group of batches is one point: the mean over its pictures.
  let [sum, images] = [0, 0];
  let isFirst = true;
  const seeLoss = ({ step, loss, size }: StepProgress) => {
    sum += loss * size;
    images += size;
    if (!learner.updatesAfter(step % perEpoch)) return;
    if (!losses.add(sum / images)) stop.abort();
    [sum, images] = [0, 0];
  };
  let update = 0;
  const run = (batch: HostBatch, step: number) => {
    if (isFirst) for (const [i, group] of groups.entries()) group.lr = rateOf(update) * ratios[i]!;
    const result = gpu.withChooser(chooser, () => learner.step(batch, step % perEpoch));
    isFirst = learner.updatesAfter(step % perEpoch);
    if (isFirst) update++;
    return result;
  };
  reporter?.started?.({
    ...runStart(setUp, { mode, settings, recipe, demo, folder }),
    steps: { train: steps, val: 0 },
  });
  model.train();
  learner.beginEpoch(0);
  reporter?.phaseStarted?.(0, 'train', steps);
  await runPhase({
    ...{ epoch: 0, phase: 'train', steps, run, compiles: true },
    batches: batchesOf(loaders.train, steps),
    signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
    // A loss that is not finite ends the search, and is no error.
    judge: () => undefined,
    watchdog: new Watchdog(settings.watchdog),
    onStep: (progress) => {
      if (!stop.signal.aborted) seeLoss(progress);
      reporter?.stepDone?.(progress);
    },
  });
  signal?.throwIfAborted();
  const points = losses.values.map((loss, i): SearchPoint => ({ lr: rateOf(i), loss }));
  return { points, diverged: stop.signal.aborted };
}

function rateOf(update: number): number {
  return SWEEP.from * (SWEEP.to / SWEEP.from) ** (update / SWEEP.updates);
}

/** Steps until so many updates are made, over epochs of `perEpoch` steps. */
function stepsOf(updates: number, perEpoch: number, updatesAfter: (step: number) => boolean): number {
  let steps = 0;
  for (let made = 0; made < updates; steps++) if (updatesAfter(steps % perEpoch)) made++;
  return steps;
}

/** So many batches, epoch after epoch. */
async function* batchesOf<Batch>(loader: { epoch(): AsyncIterable<Batch> }, count: number): AsyncGenerator<Batch> {
  for (let given = 0; given < count; ) {
    for await (const batch of loader.epoch()) {
      yield batch;
      given++;
      if (given === count) return;
    }
  }
}

/** Losses, each smoothed with those before. */
class SmoothedLosses {
  readonly values: number[] = [];
  #sum = 0;
  #least = Number.POSITIVE_INFINITY;

  /** @returns whether the search goes on: the loss has not exploded */
  add(loss: number): boolean {
    if (!Number.isFinite(loss)) return false;
    this.#sum = SMOOTHING * this.#sum + (1 - SMOOTHING) * loss;
    // What the zeros before the first loss take away.
    const smooth = this.#sum / (1 - SMOOTHING ** (this.values.length + 1));
    this.values.push(smooth);
    this.#least = Math.min(this.#least, smooth);
    return smooth <= DIVERGED * this.#least;
  }
}

/**
 * The rates that a search suggests. The valley is the longest sequence of points, not all of them neighbours, of which
 * each has a smaller loss than the one before; it counts as many points as the sequence has, back from its last. The
 * suggestion stands half-way down it.
 */
export function suggestRate(all: readonly SearchPoint[]): Pick<SearchResult, 'suggested' | 'steepest'> {
  const points = all.slice(LEFT_OUT.first, -LEFT_OUT.last);
  // How long the longest such sequence is that ends at each point.
  const lengths: number[] = [];
  let end = 0;
  for (const [i, { loss }] of points.entries()) {
    const before = lengths.filter((_, j) => points[j]!.loss > loss);
    lengths.push(1 + Math.max(0, ...before));
    if (lengths[i]! > lengths[end]!) end = i;
  }
  const length = lengths[end] ?? 0;
  if (length < 2) return { suggested: null, steepest: null };
  const third = length / 3;
  const middle = Math.max(0, end - length + Math.floor(third) + Math.floor(third / 2));
  const least = points.reduce((at, { loss }, i) => (loss < points[at]!.loss ? i : at), 0);
  const falling = points.slice(1, least + 1);
  const slopes = falling.map(({ lr, loss }, i) => (loss - points[i]!.loss) / Math.log(lr / points[i]!.lr));
  return { suggested: points[middle]!.lr, steepest: points[slopes.indexOf(Math.min(...slopes))]!.lr };
}

async function write(result: SearchResult, { reporter, pictures = true }: TrainOptions): Promise<void> {
  const { folder, ...values } = result;
  const save = (name: string, bytes: Uint8Array) => writeFileAtomic(join(folder, name), [bytes]);
  save(SEARCH_FILES.values, new TextEncoder().encode(`${JSON.stringify(values)}\n`));
  if (!pictures) return;
  try {
    const { drawSearch } = await import('../pictures/index.ts');
    save(SEARCH_FILES.picture, await drawSearch(result));
    reporter?.picturesDrawn?.([SEARCH_FILES.picture]);
  } catch (error) {
    reporter?.pictureFailed?.(SEARCH_FILES.picture, error instanceof Error ? error : new Error(String(error)));
  }
}
