/**
 * PyTorch's "Transfer Learning for Computer Vision Tutorial" as one function. It trains for some epochs and measures on
 * the validation pictures after each. It keeps the best weights and writes a folder that describes the run. A run can
 * go on from the last state that it saved, to the bits that it would have reached undisturbed.
 */
import { resolve } from 'node:path';
import { Best } from './best.ts';
import { type WeightsFile, weightsFile } from './config.ts';
import { runEpochs } from './epochs.ts';
import { type Fingerprint, fingerprintOf } from './fingerprint.ts';
import { checkMode, checkOnDivergence, type OnDivergence, type ResumeOptions, type TrainOptions } from './options.ts';
import { trainProbe } from './probe/train-probe.ts';
import { checkSaved, openSaved } from './resume.ts';
import { checkOutside, checkUnused, makeRunFolder, RunFolder } from './run-folder.ts';
import { checkPath, planRun, type SetUpPlan, withSetUp } from './set-up.ts';
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
  checkOutside(options.data, options.out);
  if (mode === 'probe') return trainProbe(options);
  const onDivergence = checkOnDivergence(options.onDivergence ?? 'stop');
  const plan = await planRun(options, mode);
  const weights = options.weights === undefined ? null : weightsFile(options.weights);
  const fingerprint = fingerprintOf(plan.pictures);
  // Before all that takes long: a folder that cannot be written is told at once.
  const made = options.out === undefined ? makeRunFolder(mode) : undefined;
  let folder: RunFolder | undefined;
  try {
    folder = new RunFolder(made?.path ?? options.out!);
    return await run(options, {
      ...plan,
      ...{ weights, fingerprint, onDivergence, folder },
      data: resolve(options.data),
      demo: options.demo ?? false,
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
    options.reporter?.preparing?.({ stage: 'files' });
    const saved = await openSaved(folder, options);
    const { mode, settings, input, recipe, regularization, pictures, found, reading, start } = saved;
    return await run(options, {
      ...{ mode, settings, input, recipe, regularization, pictures, found, reading, start, saved },
      ...{ data: saved.data, demo: saved.demo, weights: saved.weights, fingerprint: saved.fingerprint },
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
interface Plan extends SetUpPlan {
  readonly onDivergence: OnDivergence;
  readonly data: string;
  readonly demo: boolean;
  readonly weights: WeightsFile | null;
  readonly fingerprint: Fingerprint;
  readonly folder: RunFolder;
}

async function run(options: ResumeOptions, plan: Plan): Promise<TrainResult> {
  const { mode, settings, recipe, fingerprint, data, demo, weights, saved, onDivergence, folder } = plan;
  const { pictures: drawsPictures = true, reporter, signal, checks = true } = options;
  return withSetUp(options, plan, async (setUp) => {
    const best = saved ? saved.best : new Best<State>(await setUp.model.exportState());
    signal?.throwIfAborted();
    const { summary, metrics } = await runEpochs({
      ...setUp,
      ...{ mode, settings, recipe, data, weights, demo, fingerprint, onDivergence, folder, best },
      ...{ drawsPictures, reporter, signal },
      checks: options.gpu ? null : checks,
      before: saved?.state,
      bestHash: saved?.bestHash,
    });
    const model = options.gpu && setUp.model;
    return { result: { summary, metrics, folder: folder.path, best: best.state, model }, keepsModel: true };
  });
}
