/** Trains a probe's last layer, and leaves its run folder. */
import { resolve } from 'node:path';
import { DataLoader, type DecoderPool, Generator, valTransform } from '../../data/index.ts';
import type { Watchdog } from '../../gpu/watchdog.ts';
import type { Classifier } from '../../models/index.ts';
import type { Phase } from '../../models/types.ts';
import { writeSafetensors } from '../../weights/index.ts';
import { Best } from '../best.ts';
import { bestMetadata } from '../config.ts';
import { DivergenceWatch } from '../divergence.ts';
import { judgeBest, judgeTest } from '../judge-best.ts';
import { timeForward } from '../kernel-times.ts';
import { criterionOf } from '../regularization.ts';
import { RunPictures } from '../run-pictures.ts';
import { writeRunReport } from '../run-report.ts';
import { stopsEarly } from '../run-state.ts';
import type { PhaseMetrics, RunSummary, State } from '../types.ts';
import { type FeatureSet, Head, type HeadEpoch, type HeadResult, type HeadWeights, scoresOf } from './head.ts';
import { type KnownProbe, probeConfig, probeSummary } from './record.ts';

export interface LayerRun extends KnownProbe {
  /** In evaluation mode. Its last layer is where training begins. */
  readonly model: Classifier;
  readonly pool: DecoderPool;
  readonly watchdog: Watchdog;
  /** When the pass over the pictures began, as `performance.now`. */
  readonly startedAt: number;
  readonly features: Readonly<Record<Phase, FeatureSet>>;
}

export interface LayerResult {
  readonly summary: RunSummary;
  readonly metrics: readonly PhaseMetrics[];
  /** The network with the best layer. */
  readonly best: State;
}

/** Epochs on the device before the oldest is read: an epoch takes less time than a look at its result. */
const QUEUE_DEPTH = 8;

/**
 * Runs the epochs. At the end the model has the best layer.
 * @throws the signal's reason if that was aborted before an epoch was done; as `train`
 */
export async function runLayer(run: LayerRun): Promise<LayerResult> {
  const { options, settings, input, pictures, folder, model, start, startedAt } = run;
  const { reporter } = options;
  options.signal?.throwIfAborted();
  const initial = await layerOf(model);
  const best = new Best<HeadWeights>(initial);
  const metrics: PhaseMetrics[] = [];
  folder.writeConfig(probeConfig(run));
  const drawn =
    (options.pictures ?? true)
      ? new RunPictures({ folder, classes: pictures.classes, metrics, best, input, reporter })
      : undefined;
  let stoppedEarly: boolean;
  try {
    stoppedEarly = await runEpochs(run, initial, best, metrics);
  } finally {
    // In one go: a file for each epoch would take longer than the epochs.
    if (metrics.length > 0) folder.restoreMetrics(metrics);
  }
  const finished = metrics.length / 2;
  if (finished === 0) options.signal?.throwIfAborted();
  const { weight, bias } = best.state;
  model.loadStateDict(
    new Map([
      [`${model.headName}.weight`, { shape: [bias.length, model.featureSize], data: weight }],
      [`${model.headName}.bias`, { shape: [bias.length], data: bias }],
    ]),
    { strict: false },
  );
  const state = await model.exportState();
  const metadata = bestMetadata({ mode: 'probe', settings, input, pictures, reading: run.reading, start, best });
  writeSafetensors(folder.bestPath, { tensors: new Map(state), metadata });
  const seconds = (performance.now() - startedAt) / 1000;
  const summary = probeSummary(run, { best, finished, stoppedEarly, seconds });
  folder.writeSummary(summary);
  reporter?.ended?.(summary);
  if (finished > 0) {
    const data = resolve(options.data);
    await judgeBest({
      ...{ best, data, split: 'val', loader: valLoader(run), folder, reporter, drawn },
      scores: async () => scoresOf(run.features.val, best.state),
    });
    const { test } = pictures;
    if (test && !summary.interrupted) await judgeTest({ ...run, best, data, reporter, test });
  }
  await drawn?.finish();
  if (drawn) {
    if (finished > 0) await timeForward({ ...run, reporter });
    await writeRunReport({ ...run, reporter });
  }
  return { summary, metrics, best: state };
}

/** The model's last layer on the host. */
async function layerOf({ head }: Classifier): Promise<HeadWeights> {
  const { weight, bias } = head as unknown as { weight: Readable; bias: Readable };
  return { weight: await weight.data(), bias: await bias.data() };
}

interface Readable {
  data(): Promise<Float32Array<ArrayBuffer>>;
}

/** @returns whether `patience` ended the epochs */
async function runEpochs(
  run: LayerRun,
  initial: HeadWeights,
  best: Best<HeadWeights>,
  metrics: PhaseMetrics[],
): Promise<boolean> {
  const { options, settings, features, pictures, gpu, chooser, model } = run;
  const { signal, reporter } = options;
  const { epochs, lr, momentum, weightDecay } = settings;
  const sgd = { lr, momentum, weightDecay, criterion: criterionOf(run.regularization, pictures.classes.length) };
  const head = gpu.withChooser(
    chooser,
    () => new Head(gpu, { ...features, width: model.featureSize, initial, ...sgd }),
  );
  const read = reader(run, best, metrics);
  const submitted: HeadEpoch[] = [];
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let next = epoch + submitted.length; next < Math.min(epochs, epoch + QUEUE_DEPTH); next++) {
        submitted.push(gpu.withChooser(chooser, () => head.epoch()));
      }
      if (signal?.aborted) break;
      if (stopsEarly(metrics, epoch, settings)) return true;
      reporter?.epochStarted?.(epoch, epochs);
      await read(epoch, submitted.shift()!);
      reporter?.epochEnded?.(epoch);
    }
    return false;
  } finally {
    // Nobody reads what is still under way.
    for (const { train, val, weight, bias } of submitted) {
      const parts = [...train.parts, ...val.parts].flatMap(({ loss, correct }) => [loss, correct]);
      for (const one of [...parts, weight, bias]) one.get().catch(() => {});
    }
    head.dispose();
  }
}

/** Reads an epoch's results, judges them, and keeps the best layer. */
function reader({ options, settings, pictures, watchdog }: LayerRun, best: Best<HeadWeights>, metrics: PhaseMetrics[]) {
  const { reporter, onDivergence = 'stop' } = options;
  const { lr } = settings;
  const divergence = new DivergenceWatch(pictures.classes.length);
  let hasDiverged = false;
  let last = performance.now();
  const note = async (epoch: number, phase: Phase, result: HeadResult) => {
    const { loss, acc, size } = await watchdog.watch(totals(result));
    const error = divergence.see({ epoch, phase, step: 0, loss }, () => []);
    if (error && onDivergence === 'stop') throw error;
    if (error && !hasDiverged) reporter?.diverged?.(error);
    hasDiverged ||= error !== undefined;
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    const row: PhaseMetrics = { epoch, phase, loss, acc, lr, seconds, imagesPerSecond: size / seconds };
    metrics.push(row);
    reporter?.phaseEnded?.(row);
    return acc;
  };
  return async (epoch: number, { train, val, weight, bias }: HeadEpoch): Promise<void> => {
    await note(epoch, 'train', train);
    const acc = await note(epoch, 'val', val);
    const [w, b] = await watchdog.watch(Promise.all([weight.get(), bias.get()]));
    if (best.isBetter(acc)) best.replace({ weight: new Float32Array(w), bias: new Float32Array(b) }, acc, epoch);
  };
}

/** Mean loss and accuracy over all parts. */
async function totals({ parts }: HeadResult): Promise<{ loss: number; acc: number; size: number }> {
  let [lossSum, correctSum, size] = [0, 0, 0];
  for (const part of parts) {
    const [loss, correct] = await Promise.all([part.loss.get(), part.correct.get()]);
    lossSum += new Float32Array(loss)[0]! * part.share;
    correctSum += new Uint32Array(correct)[0]!;
    size += part.size;
  }
  return { loss: lossSum, acc: correctSum / size, size };
}

/** Of the pictures whose features `features.val` has, in their order. */
function valLoader({ pictures, settings, input, pool }: LayerRun): DataLoader {
  const { batchSize } = settings;
  const transform = valTransform(input);
  return new DataLoader(pictures.val, { batchSize, shuffle: false, transform, generator: new Generator(0), pool });
}
