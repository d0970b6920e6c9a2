/**
 * Where a step spends its time on the device, for the page about a run. One step is timed after the run has ended and
 * been judged, so that its bits and its speed are those of a run without it.
 */
import { Generator } from '../data/index.ts';
import { GpuError, WatchdogError } from '../gpu/errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { KernelTiming } from '../gpu/timing.ts';
import type { Watchdog } from '../gpu/watchdog.ts';
import type { Chooser } from '../kernels/chooser.ts';
import { kernelPart } from '../kernels/family.ts';
import type { Classifier } from '../models/index.ts';
import { type HostBatch, type StepOptions, type StepResult, trainStep, valStep } from '../models/step.ts';
import type { Optimizer } from '../optim/index.ts';
import type { NumberSettings } from '../plan/index.ts';
import type { KernelTime, KernelTimes } from '../report/index.ts';
import type { RunFolder } from './run-folder.ts';
import type { Reporter, State } from './types.ts';

/** A network whose kernels a run has compiled, and what is left of the run. */
export interface TimedRun {
  readonly gpu: Gpu;
  readonly chooser: Chooser;
  readonly model: Classifier;
  readonly settings: Pick<NumberSettings, 'batchSize' | 'imageSize'>;
  readonly folder: RunFolder;
  readonly watchdog: Watchdog;
  readonly reporter: Reporter | undefined;
}

/** A run that has trained. */
export interface TimedTraining extends TimedRun {
  /** Pictures to train on: a batch has no more. */
  readonly pictures: number;
  readonly optimizer: Optimizer;
  readonly step: Pick<StepOptions, 'criterion' | 'gradClip'>;
  /** What the network has now, and shall have again. */
  readonly state: State;
}

/**
 * Times one training step and writes kernels.json. The step changes the network, which then gets its state back and is in
 * evaluation mode; the optimizer is of no use any more.
 * @throws WatchdogError if the device hangs
 */
export function timeTrainStep(run: TimedTraining): Promise<void> {
  const { gpu, model, optimizer, pictures, settings, step, state } = run;
  const batch = noise(Math.min(settings.batchSize, pictures), settings.imageSize);
  const record = () => {
    model.train();
    try {
      return trainStep(gpu, model, optimizer, batch, step);
    } finally {
      model.loadStateDict(state);
      model.eval();
    }
  };
  return writeTimes(run, 'training step', batch, record);
}

/**
 * Times a forward pass in evaluation mode, and writes kernels.json.
 * @throws WatchdogError if the device hangs
 */
export function timeForward(run: TimedRun): Promise<void> {
  const { gpu, model, settings } = run;
  const batch = noise(settings.batchSize, settings.imageSize);
  return writeTimes(run, 'forward pass', batch, () => valStep(gpu, model, batch));
}

/** If it fails, that is reported and the run has ended well. */
async function writeTimes(run: TimedRun, work: KernelTimes['work'], batch: HostBatch, record: () => StepResult) {
  const { gpu, settings, folder, reporter } = run;
  const { imageSize } = settings;
  try {
    const timed = gpu.device.features.has('timestamp-query');
    const kernels = timed ? sharesOf(await timings(run, record)) : [];
    const milliseconds = rounded(kernels.reduce((total, one) => total + one.milliseconds, 0));
    folder.writeKernels({ version: 1, work, batchSize: batch.size, imageSize, timed, milliseconds, kernels });
  } catch (error) {
    if (error instanceof WatchdogError) throw error;
    reporter?.kernelsNotTimed?.(error instanceof Error ? error : new Error(String(error)));
  }
}

async function timings({ gpu, chooser, watchdog }: TimedRun, record: () => StepResult): Promise<KernelTiming[]> {
  const { count, results } = profiled(gpu, () => gpu.withChooser(chooser, record));
  const [taken] = await watchdog.watch(results);
  if (taken.length < count)
    throw new GpuError(`A step has ${count} dispatches, and only ${taken.length} can be timed.`);
  return taken;
}

/** Times what is recorded here, and nothing of another run on the same device: it is over before anything is awaited. */
function profiled(gpu: Gpu, record: () => StepResult) {
  gpu.startProfiling();
  try {
    const before = gpu.stats.dispatches;
    const { loss, correct } = record();
    const count = gpu.stats.dispatches - before;
    return { count, results: Promise.all([gpu.takeTimings(), loss.get(), correct.get()]) };
  } finally {
    gpu.stopProfiling();
  }
}

/** The time of each kernel for each kind of work, the longest first. */
function sharesOf(taken: readonly KernelTiming[]): KernelTime[] {
  const total = taken.reduce((ms, one) => ms + one.ms, 0);
  const byPart = new Map<string, Omit<KernelTime, 'share'>>();
  for (const { kernel, label, ms } of taken) {
    const { family, pass } = kernelPart(kernel, label);
    const key = `${family} ${pass} ${kernel}`;
    const { calls, milliseconds } = byPart.get(key) ?? { calls: 0, milliseconds: 0 };
    byPart.set(key, { family, pass, kernel, calls: calls + 1, milliseconds: milliseconds + ms });
  }
  return [...byPart.values()]
    .map((one) => ({
      ...one,
      milliseconds: rounded(one.milliseconds),
      share: total > 0 ? rounded(one.milliseconds / total) : 0,
    }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Timestamps are whole nanoseconds. */
function rounded(ms: number): number {
  return Number(ms.toFixed(6));
}

/** Pictures of noise, all the same: no kernel takes longer for other values, and no random number of the run is used. */
function noise(size: number, imageSize: number): HostBatch {
  const picture = new Float32Array(3 * imageSize ** 2);
  new Generator(0).fillNormal(picture, 0, 1);
  const images = new Float32Array(size * picture.length);
  for (let i = 0; i < size; i++) images.set(picture, i * picture.length);
  return { images, labels: new Int32Array(size), size };
}
