/** What a run needs before its first step: device, checked pictures, compiled kernels, network, optimizer. */
import { ShapeError } from '../autograd/errors.ts';
import { type DataLoader, DecoderPool, Generator } from '../data/index.ts';
import { UsageError } from '../errors.ts';
import { openGpu } from '../gpu/dawn.ts';
import { WatchdogError } from '../gpu/errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type InputSpec, inputAt } from '../input-spec.ts';
import { type Chooser, chooserOf } from '../kernels/chooser.ts';
import type { Classifier } from '../models/index.ts';
import { buildModel, factsOf, netOfStart, type Start, type StartFacts } from '../models/start.ts';
import type { Phase, TutorialMode } from '../models/types.ts';
import { openStart } from '../onnx/start.ts';
import { checkLimits, type NumberSettings, numberSettings, type Rehearsal, rehearse } from '../plan/index.ts';
import { checkPictures, readHeaders } from './check-pictures.ts';
import { compile } from './compile.ts';
import type { DataSettings, FoundPictures } from './find-pictures.ts';
import { Learner } from './learner.ts';
import { checkArch, type ResumeOptions, type TrainOptions } from './options.ts';
import { inputNotes, pictureNotes } from './picture-notes.ts';
import { makeLoaders, type Pictures } from './pictures.ts';
import { refuseProbeOptions } from './probe/settings.ts';
import { type Recipe, recipeOf, withOptimizerDefaults } from './recipe.ts';
import {
  criterionOf,
  type OpenRegularization,
  type Regularization,
  regularizationOf,
  settle,
} from './regularization.ts';
import type { SavedRun } from './resume.ts';
import { findRunData } from './run-data.ts';
import { restoreTraining } from './training-state.ts';
import type { Reporter } from './types.ts';

/** What is decided before a device is opened. */
export interface SetUpPlan {
  readonly mode: TutorialMode;
  readonly settings: NumberSettings;
  /** Its crop is the settings' `imageSize`. */
  readonly input: InputSpec;
  readonly recipe: Recipe;
  readonly regularization: OpenRegularization;
  /** Those of a run that goes on are without the broken ones. */
  readonly pictures: Pictures;
  readonly found: FoundPictures;
  readonly reading: DataSettings;
  readonly skipped: readonly string[];
  readonly skipBroken: boolean;
  readonly start: Start;
  /** The run that goes on. */
  readonly saved: SavedRun | undefined;
}

/** Everything that steps need. */
export interface SetUp {
  readonly gpu: Gpu;
  /** Belongs to this run. The device keeps its chooser, and another run on it has another. */
  readonly chooser: Chooser;
  readonly rehearsal: Rehearsal;
  readonly pictures: Pictures;
  readonly loaders: Readonly<Record<Phase, DataLoader>>;
  readonly input: InputSpec;
  readonly reading: DataSettings;
  /** What to tell of the pictures, a sentence each. */
  readonly notes: readonly string[];
  /** Names of broken pictures that are left out. */
  readonly skipped: readonly string[];
  readonly regularization: Regularization;
  readonly start: StartFacts;
  readonly pool: DecoderPool;
  readonly generator: Generator;
  readonly model: Classifier;
  readonly learner: Learner;
}

/**
 * Checks the options, lists the pictures and reads the weights.
 * @throws UsageError if an option is invalid; FileError naming a file or folder
 */
export async function planRun(options: TrainOptions, mode: TutorialMode): Promise<SetUpPlan> {
  refuseProbeOptions(options);
  const given = numberSettings(withOptimizerDefaults(options, recipeOf(options, mode)));
  options.reporter?.preparing?.({ stage: 'files' });
  const { found, reading } = await findRunData(options, given);
  const { pictures } = found;
  const regularization = regularizationOf(options, pictures.classes);
  const start = await openStart(options.weights, pictures.classes, {
    architecture: checkArch(options.arch),
    head: options.head,
  });
  const input = inputAt(start.input, options.imageSize, start.architecture);
  const settings = { ...given, imageSize: input.crop };
  // Only now its blocks are known.
  const recipe = recipeOf(options, mode, { net: netOfStart(start) });
  const skipBroken = options.skipBroken ?? false;
  return {
    ...{ mode, recipe, settings, input, pictures, found, reading, regularization, start, skipBroken },
    ...{ skipped: [], saved: undefined },
  };
}

/** @throws UsageError unless it is a text that can be a path */
export function checkPath(name: string, what: string, path: unknown): void {
  if (typeof path !== 'string' || path === '') {
    throw new UsageError(`${name}: expected ${what}, found ${path === '' ? 'an empty string' : String(path)}`);
  }
}

type SetUpOptions = Pick<ResumeOptions, 'adapter' | 'checks' | 'tuned' | 'gpu' | 'signal' | 'reporter'>;

/**
 * Sets up, uses what it has set up, and closes it again, also after errors. Of a device that the caller gave, it keeps
 * the network if `use` succeeds and says so.
 * @throws as `train`
 */
export async function withSetUp<Result>(
  options: SetUpOptions,
  plan: SetUpPlan,
  use: (setUp: SetUp) => Promise<{ result: Result; keepsModel: boolean }>,
): Promise<Result> {
  const { mode, settings, input, recipe, regularization: open, found, reading, saved } = plan;
  const { adapter, reporter, signal, checks = true } = options;
  const pool = new DecoderPool(settings.threads, { ...settings, ...reading });
  const generator = new Generator(settings.seed);
  // The threads read the pictures while the device is opened and kernels are compiled.
  const checking = check(plan, { generator, pool, signal, reporter });
  // It is awaited below; a device that cannot be opened is reported first.
  let checkFailed = false;
  checking.catch(() => {
    checkFailed = true;
  });
  const classes = plan.pictures.classes.length;
  let loaded: Start | undefined = plan.start;
  const start = factsOf(loaded);
  let gpu: Gpu | undefined;
  let model: Classifier | undefined;
  let learner: Learner | undefined;
  let keepsModel = false;
  let hangs = false;
  try {
    reporter?.preparing?.({ stage: 'device' });
    const opened = options.gpu ?? (await openGpu({ checks, ...(adapter && { adapter }) }));
    gpu = opened;
    const questionOf = ({ train, val }: Pictures) => {
      const counts = { train: train.length, val: val.length };
      const criterion = criterionOf(open, classes);
      return { ...settings, ...recipe, criterion, mixes: open.mixup > 0, mode, start, classes, pictures: counts };
    };
    const question = questionOf(plan.pictures);
    const chooser = chooserOf(opened).fresh(await options.tuned?.(opened.traits, question));
    let rehearsal = rehearseIfAble(opened.traits, question, chooser.settings);
    if (rehearsal) {
      checkLimits(rehearsal.memory, opened);
      await compile(rehearsal, opened, () => checkFailed || signal?.aborted === true, reporter);
    }
    const { pictures, loaders, skipped, parts } = await checking;
    signal?.throwIfAborted();
    // Without the broken pictures the last batches have other sizes.
    if (!rehearsal || pictures !== plan.pictures)
      rehearsal = rehearse(opened.traits, questionOf(pictures), chooser.settings);
    // This order fixes the random draws: first the network's, then the loaders' epoch by epoch.
    // A run that goes on loads its weights below, and then the place of the generator, from which masks are drawn.
    model = buildModel(opened, loaded, { classes, mode, random: generator, draws: !saved });
    const regularization = settle(open, pictures.train);
    learner = new Learner({
      ...{ gpu, model, mode, recipe, settings, pictures: pictures.train.length },
      criterion: criterionOf(regularization, classes),
    });
    const { optimizer, scheduler } = learner;
    if (saved)
      restoreTraining(saved.path, saved.checkpoint, { model, optimizer, scheduler, generator, gradients: true });
    // The device has its weights now. Free the host's 45 MB copy for the rest of the run.
    loaded = undefined;
    const notes = [...pictureNotes(found, parts), ...inputNotes(input, start.architecture)];
    const used = await use({
      ...{ gpu, chooser, rehearsal, pictures, loaders, input, reading, notes, skipped },
      ...{ regularization, start, pool, generator, model, learner },
    });
    keepsModel = used.keepsModel;
    return used.result;
  } catch (error) {
    hangs = error instanceof WatchdogError;
    throw error;
  } finally {
    learner?.dispose();
    await pool.close();
    // Closing a device that hangs would wait for it.
    if (!options.gpu && !hangs) gpu?.close();
    else if (options.gpu && !keepsModel) model?.dispose();
  }
}

interface CheckParts {
  readonly generator: Generator;
  readonly pool: DecoderPool;
  readonly signal: AbortSignal | undefined;
  readonly reporter: Reporter | undefined;
}

/** Reads the pictures: of a run that goes on only the headers. */
async function check(plan: SetUpPlan, { generator, pool, signal, reporter }: CheckParts) {
  const { pictures, found, settings, input, regularization, skipBroken, skipped, saved } = plan;
  const loaders = makeLoaders(pictures, { ...settings, input }, generator, pool, regularization);
  const request = { pictures, loaders, skipBroken, signal, reporter };
  if (!saved) return checkPictures({ ...request, surveyed: found.surveyed });
  await readHeaders(request);
  return { pictures, loaders, skipped, parts: undefined };
}

/** Undefined if a batch is too small. Without the broken pictures, which are told of first, it may be another one. */
function rehearseIfAble(...args: Parameters<typeof rehearse>): Rehearsal | undefined {
  try {
    return rehearse(...args);
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
}
