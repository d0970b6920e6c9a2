/**
 * PyTorch's "Transfer Learning for Computer Vision Tutorial" as one function. It trains for some epochs and measures on
 * the validation pictures after each. It keeps the best weights and writes a folder that describes the run.
 */
import { type DataLoader, DecoderPool, Generator } from '../data/index.ts';
import { type AdapterPreference, openGpu } from '../gpu/dawn.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type Chooser, chooserOf } from '../kernels/chooser.ts';
import type { ResNet } from '../models/index.ts';
import { buildModel, factsOf, readStart, type Start, type StartFacts } from '../models/start.ts';
import { type HostBatch, trainStep, valStep } from '../models/step.ts';
import type { Phase, TrainMode } from '../models/types.ts';
import { type ExportedEntry, SGD, StepLR } from '../nn/index.ts';
import { checkLimits, type NumberSettings, numberSettings, type Rehearsal, rehearse } from '../plan/index.ts';
import { Best } from './best.ts';
import { adapterKind, bestMetadata, runConfig } from './config.ts';
import { checkMode, type TrainOptions } from './options.ts';
import { type PhaseTotals, runPhase } from './phase.ts';
import { makeLoaders, openPictures, type Pictures } from './pictures.ts';
import { checkUnused, defaultRunPath, RunFolder } from './run-folder.ts';
import { RunPictures } from './run-pictures.ts';
import type { PhaseMetrics, RunSummary } from './types.ts';

type State = ReadonlyMap<string, ExportedEntry>;

/** The result of a run, also if its signal stopped it. */
export interface TrainResult {
  readonly summary: RunSummary;
  /** One entry per epoch and phase. */
  readonly metrics: readonly PhaseMetrics[];
  /** The run folder. */
  readonly folder: string;
  /** The best weights with the batch norms' statistics, under torch's names. */
  readonly best: State;
  /**
   * The network with the best weights, in evaluation mode. Set only if the caller gave the device; the caller disposes
   * it.
   */
  readonly model: ResNet | undefined;
}

/** The parts of a run. */
interface Run {
  readonly options: TrainOptions;
  readonly mode: TrainMode;
  readonly settings: NumberSettings;
  readonly pictures: Pictures;
  readonly start: StartFacts;
  readonly gpu: Gpu;
  /** Belongs to this run. The device keeps its chooser, and another run on it has another. */
  readonly chooser: Chooser;
  readonly rehearsal: Rehearsal;
  readonly model: ResNet;
  readonly loaders: Readonly<Record<Phase, DataLoader>>;
  readonly folder: RunFolder;
  readonly pool: DecoderPool;
}

/**
 * Trains as the tutorial does. The new run folder starts with config.json. Each epoch adds two lines to metrics.jsonl
 * and, if it is the best so far, replaces best.safetensors. The end, or an abort, adds summary.json. The tutorial's
 * pictures are drawn along the way: a training batch after the first train phase, curves and predictions at the end.
 *
 * @throws UsageError if an option is invalid or the folder holds a run; FileError naming a file or folder;
 *   StateDictError if the weights do not fit; ShapeError if a batch or its pictures are too small for the network;
 *   MissingPackageError if a picture needs sharp and that is not installed; DawngradError if a decoder thread fails;
 *   NoAdapterError, OutOfMemoryError, DeviceLostError or GpuError of the device; NonFiniteLossError if training
 *   diverges; errors of `tuned`. After any of them the run folder keeps its files.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const mode = checkMode(options.mode ?? 'finetune');
  const settings = numberSettings(options);
  if (options.out !== undefined) checkUnused(options.out);
  const pictures = openPictures(options.data);
  let loaded: Start | undefined = readStart(options.weights, pictures.classes);
  const start = factsOf(loaded);
  const gpu = options.gpu ?? (await open(options.adapter, options.checks ?? true));
  const pool = new DecoderPool(settings.threads, settings);
  let model: ResNet | undefined;
  let done = false;
  try {
    const question = {
      ...settings,
      mode,
      start,
      classes: pictures.classes.length,
      pictures: { train: pictures.train.length, val: pictures.val.length },
    };
    const chooser = chooserOf(gpu).fresh(await options.tuned?.(gpu.traits, question));
    const rehearsal = rehearse(gpu.traits, question, chooser.settings);
    checkLimits(rehearsal.memory, gpu);
    // This order fixes the random draws: first the network's, then the loaders' epoch by epoch.
    const generator = new Generator(settings.seed);
    model = buildModel(gpu, loaded, { classes: pictures.classes.length, mode, random: generator });
    // The device has its weights now. Free the host's 45 MB copy for the rest of the run.
    loaded = undefined;
    const loaders = makeLoaders(pictures, settings, generator, pool);
    // Finds unreadable pictures before anything is written.
    await loaders.train.prepare();
    const folder = new RunFolder(options.out ?? defaultRunPath(mode));
    const result = await runEpochs({
      options,
      mode,
      settings,
      pictures,
      start,
      gpu,
      chooser,
      rehearsal,
      model,
      loaders,
      folder,
      pool,
    });
    done = true;
    return result;
  } finally {
    await pool.close();
    if (!options.gpu) gpu.close();
    else if (!done) model?.dispose();
  }
}

function open(adapter: AdapterPreference | undefined, checks: boolean): Promise<Gpu> {
  return openGpu({ checks, ...(adapter && { adapter }) });
}

async function runEpochs(run: Run): Promise<TrainResult> {
  const { options, mode, settings, pictures, start, gpu, chooser, rehearsal, model, loaders, folder, pool } = run;
  const { reporter, signal } = options;
  const { epochs, lr, momentum, weightDecay, stepSize, gamma } = settings;
  const trained = model.parameters().filter((parameter) => parameter.requiresGrad);
  const optimizer = new SGD(trained, { lr, momentum, weightDecay });
  const scheduler = new StepLR(optimizer, { stepSize, gamma });
  const steps = { train: loaders.train.length, val: loaders.val.length };
  const { classes } = pictures;

  const writeConfig = (kernels: Record<string, string>) =>
    folder.writeConfig(runConfig({ ...run, kernels, tuned: chooser.tuned }));
  writeConfig(rehearsal.choices);
  reporter?.started?.({
    mode,
    epochs,
    adapter: gpu.traits.description,
    adapterKind: adapterKind(gpu.traits),
    memory: rehearsal.memory,
    folder: folder.path,
    classes,
    pictures: { train: pictures.train.length, val: pictures.val.length },
    leftOut: [...pictures.train.leftOut, ...pictures.val.leftOut],
    steps,
    weights: start.description,
  });

  const best = new Best<State>(await model.exportState());
  const writeBest = () => folder.writeBest(best.state, bestMetadata({ ...run, best }));
  const metrics: PhaseMetrics[] = [];
  const drawn = options.pictures === false ? undefined : new RunPictures({ folder, classes, metrics, best, reporter });
  const startedAt = performance.now();
  let finished = 0;

  const { batchSize } = settings;
  const runners = {
    train: (batch: HostBatch) => {
      drawn?.seeBatch(batch);
      return gpu.withChooser(chooser, () => trainStep(gpu, model, optimizer, batch));
    },
    val: (batch: HostBatch) => gpu.withChooser(chooser, () => valStep(gpu, model, batch)),
  };
  const runOne = async (epoch: number, phase: Phase): Promise<PhaseTotals | undefined> => {
    reporter?.phaseStarted?.(epoch, phase, steps[phase]);
    // Also when only the last layer learns: in the tutorial every batch norm uses and updates its statistics.
    model.train(phase === 'train');
    return runPhase({
      epoch,
      phase,
      batches: loaders[phase],
      steps: steps[phase],
      run: runners[phase],
      signal,
      onStep: (progress) => reporter?.stepDone?.(progress),
    });
  };
  const note = (epoch: number, phase: Phase, rate: number, totals: PhaseTotals) => {
    const { loss, acc, seconds, imagesPerSecond } = totals;
    const row: PhaseMetrics = { epoch, phase, loss, acc, lr: rate, seconds, imagesPerSecond };
    metrics.push(row);
    folder.addMetrics(row);
    reporter?.phaseEnded?.(row);
  };

  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      reporter?.epochStarted?.(epoch, epochs);
      const rate = optimizer.lr;
      const learnt = await runOne(epoch, 'train');
      if (!learnt) break;
      note(epoch, 'train', rate, learnt);
      await drawn?.drawBatch();
      scheduler.step();
      const measured = await runOne(epoch, 'val');
      if (!measured) break;
      // Write to disk before the line that reports it.
      if (best.isBetter(measured.acc)) {
        best.replace(await model.exportState(), measured.acc, epoch);
        writeBest();
      }
      note(epoch, 'val', rate, measured);
      finished = epoch + 1;
      if (epoch === 0) {
        const chosen = chooser.choices;
        const kernels = Object.fromEntries(
          Object.entries(rehearsal.choices).map(([work, variant]) => [work, chosen[work] ?? variant]),
        );
        if (JSON.stringify(kernels) !== JSON.stringify(rehearsal.choices)) writeConfig(kernels);
      }
      reporter?.epochEnded?.(epoch);
    }
  } catch (error) {
    // Draw the metrics up to the failure.
    await drawn?.finish();
    throw error;
  } finally {
    optimizer.dispose();
  }

  const summary: RunSummary = {
    ...(options.demo && { demo: true }),
    mode,
    seed: settings.seed,
    bestValAcc: best.acc,
    bestEpoch: best.epoch,
    epochs: finished,
    interrupted: finished < epochs,
    seconds: (performance.now() - startedAt) / 1000,
    adapter: gpu.traits.description,
    adapterKind: adapterKind(gpu.traits),
  };
  if (best.epoch === null) writeBest();
  folder.writeSummary(summary);
  model.loadStateDict(best.state);
  model.eval();
  reporter?.ended?.(summary);
  // All results are on disk. A run stopped before its first val phase ends without compiling more kernels.
  if (finished > 0) {
    const size = Math.min(batchSize, pictures.val.length);
    const { transform } = loaders.val.options;
    await drawn?.drawPredictions({ gpu, chooser, model, dataset: pictures.val, transform, pool, batchSize: size });
  }
  await drawn?.finish();
  return { summary, metrics, folder: folder.path, best: best.state, model: options.gpu && model };
}
