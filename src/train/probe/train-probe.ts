/**
 * A linear probe: every picture goes through the frozen network once, in evaluation mode, and a new last layer is
 * trained on the features. Not the tutorial's training, but by far the fastest. Its run folder is like that of the other
 * modes, except that there is no last.safetensors: a probe that was stopped runs again, from the features in the cache.
 */
import { DecoderPool, Generator } from '../../data/index.ts';
import { UsageError } from '../../errors.ts';
import { openGpu } from '../../gpu/dawn.ts';
import { WatchdogError } from '../../gpu/errors.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { Watchdog } from '../../gpu/watchdog.ts';
import { type InputSpec, inputAt } from '../../input-spec.ts';
import { chooserOf } from '../../kernels/chooser.ts';
import type { Classifier } from '../../models/index.ts';
import { buildModel, factsOf, type Start } from '../../models/start.ts';
import { openStart } from '../../onnx/start.ts';
import { checkLimits, type MemoryQuestion } from '../../plan/index.ts';
import { checkPictures } from '../check-pictures.ts';
import { compile } from '../compile.ts';
import { checkArch, checkOnDivergence, type TrainOptions } from '../options.ts';
import { inputNotes, pictureNotes } from '../picture-notes.ts';
import type { Pictures } from '../pictures.ts';
import { criterionOf, type OpenRegularization, settle } from '../regularization.ts';
import { findRunData, type RunData } from '../run-data.ts';
import { makeRunFolder, RunFolder } from '../run-folder.ts';
import type { TrainResult } from '../types.ts';
import { computeFeatures } from './features.ts';
import { contentsOf } from './keys.ts';
import { Lookup } from './lookup.ts';
import { rehearseProbe } from './plan.ts';
import { reportStart } from './record.ts';
import { runLayer } from './run-layer.ts';
import { type ProbeSettings, policyOf, probeRegularization, probeSettings, readingSettings } from './settings.ts';

/** What is known before a device is opened. */
interface Plan extends RunData {
  readonly settings: ProbeSettings;
  readonly input: InputSpec;
  readonly regularization: OpenRegularization;
  readonly pictures: Pictures;
  readonly start: Start;
  readonly weights: string;
  readonly folder: RunFolder;
}

/** @throws as `train` */
export async function trainProbe(options: TrainOptions): Promise<TrainResult> {
  const { weights } = options;
  if (weights === undefined) {
    throw new UsageError(
      "weights: mode 'probe' needs those of a trained network, as random ones give no features worth learning from",
    );
  }
  options.reporter?.preparing?.({ stage: 'files' });
  const { found, reading } = await findRunData(options, readingSettings(options));
  const { pictures } = found;
  const given = probeSettings(options, pictures.train.length);
  checkOnDivergence(options.onDivergence ?? 'stop');
  const regularization = probeRegularization(options, pictures.classes, given);
  const start = await openStart(weights, pictures.classes, {
    architecture: checkArch(options.arch),
    head: options.head,
  });
  const input = inputAt(start.input, options.imageSize, start.architecture);
  const settings = { ...given, imageSize: input.crop };
  const made = options.out === undefined ? makeRunFolder('probe') : undefined;
  let folder: RunFolder | undefined;
  try {
    folder = new RunFolder(made?.path ?? options.out!);
    return await run(options, { settings, input, regularization, pictures, found, reading, start, weights, folder });
  } finally {
    folder?.close();
    made?.removeEmpty();
  }
}

async function run(options: TrainOptions, plan: Plan): Promise<TrainResult> {
  const { settings, input, pictures: all, found, reading, start, weights, folder } = plan;
  const { adapter, checks = true, reporter, signal, skipBroken = false } = options;
  const { imageSize, batchSize } = settings;
  const classes = all.classes.length;
  const pool = new DecoderPool(settings.threads, { ...settings, ...reading });
  // The threads start and the files are read while the device is opened.
  pool.start();
  const hashing = contentsOf([all.train, all.val], settings.maxPixels);
  let gpu: Gpu | undefined;
  let model: Classifier | undefined;
  let done = false;
  let hangs = false;
  try {
    reporter?.preparing?.({ stage: 'device' });
    const opened = options.gpu ?? (await openGpu({ checks, ...(adapter && { adapter }) }));
    gpu = opened;
    const question: MemoryQuestion = {
      ...{ mode: 'probe', classes, imageSize, batchSize, momentum: 0, start: factsOf(start) },
      pictures: { train: 0, val: batchSize },
    };
    const chooser = chooserOf(opened).fresh(await options.tuned?.(opened.traits, question));
    const rows = { train: all.train.length * settings.views, val: all.val.length };
    const asked = { ...question, criterion: criterionOf(plan.regularization, classes) };
    const rehearsal = rehearseProbe(opened.traits, asked, rows, chooser.settings);
    checkLimits(rehearsal.memory, opened);
    const lookup = new Lookup({
      ...{
        pictures: all,
        settings,
        input,
        augment: policyOf(plan.regularization),
        ignoreOrientation: reading.ignoreOrientation ?? false,
        start,
        pool,
        contents: await hashing,
        traits: opened.traits,
        rehearsal,
      },
      ...{ keeps: options.featureCache ?? true, onNote: (text) => reporter?.cacheNote?.(text) },
    });
    let checkFailed = false;
    const checking = checkPictures({
      ...{ pictures: all, loaders: lookup.loaders(), skipBroken, signal, reporter },
      surveyed: found.surveyed,
    });
    checking.catch(() => {
      checkFailed = true;
    });
    await compile(rehearsal, opened, () => checkFailed || signal?.aborted === true, reporter);
    const { pictures, loaders, skipped, parts } = await checking;
    signal?.throwIfAborted();
    const random = new Generator(settings.seed);
    model = buildModel(opened, start, { classes, mode: 'probe', random }).eval();
    const watchdog = new Watchdog(settings.watchdog);
    const regularization = settle(plan.regularization, pictures.train);
    const notes = [...pictureNotes(found, parts), ...inputNotes(input, start.architecture)];
    const known = {
      ...{
        options,
        settings,
        input,
        pictures,
        skipped,
        start: factsOf(start),
        weights,
        gpu: opened,
        chooser,
        rehearsal,
      },
      ...{ regularization, reading, notes, folder, cache: lookup.place },
    };
    reportStart(known);
    const startedAt = performance.now();
    const progress = lookup.progress(pictures, reporter);
    try {
      await computeFeatures(lookup.batches(pictures, loaders), {
        ...{ gpu: opened, chooser, model, imageSize, watchdog, signal, weights },
        onRow: (row, features) => lookup.add(row, features),
        onBatch: progress,
      });
    } finally {
      // Also of a pass that was stopped or failed: the next one goes on from there.
      lookup.flush();
    }
    const features = lookup.sets(pictures);
    const { summary, metrics, best } = await runLayer({ ...known, model, pool, watchdog, startedAt, features });
    done = true;
    return { summary, metrics, folder: folder.path, best, model: options.gpu && model };
  } catch (error) {
    hangs = error instanceof WatchdogError;
    throw error;
  } finally {
    await hashing.catch(() => {});
    await pool.close();
    // Closing a device that hangs would wait for it.
    if (!options.gpu && !hangs) gpu?.close();
    else if (options.gpu && !done) model?.dispose();
  }
}
