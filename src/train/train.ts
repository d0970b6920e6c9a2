/**
 * PyTorch's "Transfer Learning for Computer Vision Tutorial" as one function. It trains for some epochs and measures on
 * the validation pictures after each. It keeps the best weights and writes a folder that describes the run. A run can
 * go on from the last state that it saved, to the bits that it would have reached undisturbed.
 */
import { resolve } from 'node:path';
import { ShapeError } from '../autograd/errors.ts';
import { DecoderPool, Generator } from '../data/index.ts';
import { UsageError } from '../errors.ts';
import { openGpu } from '../gpu/dawn.ts';
import { WatchdogError } from '../gpu/errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { chooserOf } from '../kernels/chooser.ts';
import type { ResNet } from '../models/index.ts';
import { buildModel, factsOf, readStart, type Start } from '../models/start.ts';
import type { TutorialMode } from '../models/types.ts';
import { SGD, StepLR } from '../optim/index.ts';
import { checkLimits, type NumberSettings, numberSettings, type Rehearsal, rehearse } from '../plan/index.ts';
import { Best } from './best.ts';
import { checkPictures, readHeaders } from './check-pictures.ts';
import { compile } from './compile.ts';
import { type WeightsFile, weightsFile } from './config.ts';
import { runEpochs } from './epochs.ts';
import type { DataSettings, FoundPictures } from './find-pictures.ts';
import { type Fingerprint, fingerprintOf } from './fingerprint.ts';
import { checkMode, checkOnDivergence, type OnDivergence, type ResumeOptions, type TrainOptions } from './options.ts';
import { pictureNotes } from './picture-notes.ts';
import { makeLoaders, type Pictures } from './pictures.ts';
import { refuseProbeOptions } from './probe/settings.ts';
import { trainProbe } from './probe/train-probe.ts';
import { criterionOf, type OpenRegularization, regularizationOf, settle } from './regularization.ts';
import { checkSaved, openSaved, type SavedRun } from './resume.ts';
import { findRunData } from './run-data.ts';
import { checkUnused, makeRunFolder, RunFolder } from './run-folder.ts';
import { restoreTraining } from './training-state.ts';
import type { State, TrainResult } from './types.ts';

/**
 * Trains as the tutorial does. The new run folder starts with config.json. Each epoch adds two lines to metrics.jsonl
 * and saves last.safetensors, from which `resumeTraining` goes on. If it is the best so far, it replaces
 * best.safetensors. The end, or an abort, adds summary.json. The tutorial's pictures are drawn along the way: a
 * training batch after the first train phase, curves and predictions at the end. Then the best weights are judged on
 * val, whether or not pictures are drawn: judgement.json. The last file is report.html, a page about the run.
 *
 * Before the first step all pictures are decoded once, so that none ends the run later.
 *
 * Mode `probe` is not the tutorial's: it computes the features of each picture once and trains a last layer on them. It
 * saves no last.safetensors, as its features are kept in the cache folder.
 *
 * @throws UsageError if an option is invalid or the folder holds a run; FileError naming a file or folder;
 *   BrokenPicturesError naming all pictures that cannot be read, unless `skipBroken` is set;
 *   StateDictError if the weights do not fit; ShapeError if a batch or its pictures are too small for the network;
 *   MissingPackageError if a picture needs sharp and that is not installed; DawngradError if a decoder thread fails;
 *   NoAdapterError, OutOfMemoryError, DeviceLostError or GpuError of the device; WatchdogError if it hangs;
 *   NonFiniteLossError or ExplodedLossError if training diverges; errors of `tuned`; the reason of `signal` if that is
 *   aborted before the first step. After any of them the run folder keeps its files.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const mode = checkMode(options.mode ?? 'finetune');
  checkPath('data', 'the folder of the pictures', options.data);
  if (options.out !== undefined) {
    checkPath('out', 'the run folder', options.out);
    checkUnused(options.out);
  }
  if (mode === 'probe') return trainProbe(options);
  refuseProbeOptions(options);
  const settings = numberSettings(options);
  const { found, reading } = await findRunData(options, settings);
  const { pictures } = found;
  const regularization = regularizationOf(options, pictures.classes);
  const start = readStart(options.weights, pictures.classes);
  const onDivergence = checkOnDivergence(options.onDivergence ?? 'stop');
  const weights = options.weights === undefined ? null : weightsFile(options.weights);
  const fingerprint = fingerprintOf(pictures);
  // Before all that takes long: a folder that cannot be written is told at once.
  const made = options.out === undefined ? makeRunFolder(mode) : undefined;
  let folder: RunFolder | undefined;
  try {
    folder = new RunFolder(made?.path ?? options.out!);
    return await run(options, {
      ...{ mode, settings, regularization, pictures, found, reading, start, weights, fingerprint },
      ...{ onDivergence, folder },
      data: resolve(options.data),
      demo: options.demo ?? false,
      skipped: [],
      skipBroken: options.skipBroken ?? false,
      saved: undefined,
    });
  } finally {
    folder?.close();
    made?.removeEmpty();
  }
}

/**
 * Goes on with the run in a folder, from the last state that it saved. Its results are the bits that the run would
 * have had undisturbed, on the same adapter and driver with the same kernel choices.
 *
 * @throws UsageError if the run has ended and `epochs` is not more; FileError if the folder holds no saved state, or
 *   if its pictures or weights are not those of the run; else as `train`
 */
export async function resumeTraining(folder: string, options: ResumeOptions = {}): Promise<TrainResult> {
  checkPath('folder', 'the folder of a run', folder);
  checkSaved(folder);
  // Locked before it is read: another process may still be adding to it.
  const held = new RunFolder(folder, true);
  try {
    const saved = await openSaved(folder, options);
    const { mode, settings, regularization, pictures, found, reading, data, demo, weights, fingerprint, start } = saved;
    return await run(options, {
      ...{ mode, settings, regularization, pictures, found, reading, start, data, demo, weights, fingerprint, saved },
      skipped: saved.state.skipped,
      onDivergence: checkOnDivergence(options.onDivergence ?? saved.state.onDivergence),
      skipBroken: false,
      folder: held,
    });
  } finally {
    held.close();
  }
}

/** What `train` and `resumeTraining` find out before they open a device. */
interface Plan {
  readonly mode: TutorialMode;
  readonly settings: NumberSettings;
  readonly regularization: OpenRegularization;
  /** Those of a run that goes on are without the broken ones. */
  readonly pictures: Pictures;
  readonly found: FoundPictures;
  readonly reading: DataSettings;
  readonly skipped: readonly string[];
  readonly onDivergence: OnDivergence;
  readonly skipBroken: boolean;
  readonly start: Start;
  readonly data: string;
  readonly demo: boolean;
  readonly weights: WeightsFile | null;
  readonly fingerprint: Fingerprint;
  readonly folder: RunFolder;
  readonly saved: SavedRun | undefined;
}

async function run(options: ResumeOptions, plan: Plan): Promise<TrainResult> {
  const { mode, settings, fingerprint, data, demo, weights, saved, onDivergence, skipBroken, reading, found } = plan;
  const open = plan.regularization;
  let loaded: Start | undefined = plan.start;
  const start = factsOf(loaded);
  const { adapter, pictures: drawsPictures = true, reporter, signal } = options;
  const checks = options.checks ?? true;
  const pool = new DecoderPool(settings.threads, { ...settings, ...reading });
  const generator = new Generator(settings.seed);
  // The threads read the pictures while the device is opened and kernels are compiled.
  const request = { pictures: plan.pictures, loaders: makeLoaders(plan.pictures, settings, generator, pool, open) };
  const checking = saved
    ? readHeaders({ ...request, skipBroken, signal, reporter }).then(() => ({
        ...{ ...request, skipped: plan.skipped, parts: undefined },
      }))
    : checkPictures({ ...request, skipBroken, signal, reporter, surveyed: found.surveyed });
  // It is awaited below; a device that cannot be opened is reported first.
  let checkFailed = false;
  checking.catch(() => {
    checkFailed = true;
  });
  const classes = plan.pictures.classes.length;
  let gpu: Gpu | undefined;
  let model: ResNet | undefined;
  let optimizer: SGD | undefined;
  let done = false;
  let hangs = false;
  try {
    const opened = options.gpu ?? (await openGpu({ checks, ...(adapter && { adapter }) }));
    gpu = opened;
    const questionOf = ({ train, val }: Pictures) => {
      const counts = { train: train.length, val: val.length };
      const criterion = criterionOf(open, classes);
      return { ...settings, criterion, mixes: open.mixup > 0, mode, start, classes, pictures: counts };
    };
    const question = questionOf(plan.pictures);
    const chooser = chooserOf(opened).fresh(await options.tuned?.(opened.traits, question));
    let rehearsal = rehearseIfAble(opened.traits, question, chooser.settings);
    if (rehearsal) {
      checkLimits(rehearsal.memory, opened);
      await compile(rehearsal, opened, () => checkFailed || signal?.aborted === true);
    }
    const { pictures, loaders, skipped, parts } = await checking;
    signal?.throwIfAborted();
    // Without the broken pictures the last batches have other sizes.
    if (!rehearsal || pictures !== plan.pictures)
      rehearsal = rehearse(opened.traits, questionOf(pictures), chooser.settings);
    // This order fixes the random draws: first the network's, then the loaders' epoch by epoch.
    model = buildModel(opened, loaded, { classes, mode, ...(!saved && { random: generator }) });
    const { lr, momentum, weightDecay, stepSize, gamma } = settings;
    const trained = model.parameters().filter((parameter) => parameter.requiresGrad);
    optimizer = new SGD(trained, { lr, momentum, weightDecay });
    const scheduler = new StepLR(optimizer, { stepSize, gamma });
    if (saved) restoreTraining(saved.path, saved.checkpoint, { model, optimizer, scheduler, generator });
    // The device has its weights now. Free the host's 45 MB copy for the rest of the run.
    loaded = undefined;
    const best = saved ? saved.best : new Best<State>(await model.exportState());
    signal?.throwIfAborted();
    const { summary, metrics } = await runEpochs({
      ...{ mode, settings, data, weights, demo, pictures, skipped, fingerprint, onDivergence, start, gpu, chooser },
      ...{ reading, notes: pictureNotes(found, parts) },
      ...{
        rehearsal,
        model,
        optimizer,
        scheduler,
        generator,
        loaders,
        folder: plan.folder,
        pool,
        best,
        drawsPictures,
        reporter,
      },
      regularization: settle(open, pictures.train),
      signal,
      checks: options.gpu ? null : checks,
      before: saved?.state,
      bestHash: saved?.bestHash,
    });
    done = true;
    return { summary, metrics, folder: plan.folder.path, best: best.state, model: options.gpu && model };
  } catch (error) {
    hangs = error instanceof WatchdogError;
    throw error;
  } finally {
    optimizer?.dispose();
    await pool.close();
    // Closing a device that hangs would wait for it.
    if (!options.gpu && !hangs) gpu?.close();
    else if (options.gpu && !done) model?.dispose();
  }
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

/** @throws UsageError */
function checkPath(name: string, what: string, path: unknown): void {
  if (typeof path !== 'string' || path === '') {
    throw new UsageError(`${name}: expected ${what}, found ${path === '' ? 'an empty string' : String(path)}`);
  }
}
