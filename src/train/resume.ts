/** Opens what a run has saved, and checks that its pictures and weights are still there. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FileError, UsageError } from '../errors.ts';
import { type InputSpec, readInput } from '../input-spec.ts';
import { groupPlace } from '../models/learning.ts';
import type { Start, StartFacts } from '../models/start.ts';
import type { TutorialMode } from '../models/types.ts';
import { readGraph } from '../onnx/net.ts';
import { checkNumber, type NumberSettings } from '../plan/index.ts';
import { type Checkpoint, encodeSafetensors, parseSource, readCheckpoint, writeFileAtomic } from '../weights/index.ts';
import { Best } from './best.ts';
import { bestMetadata, type WeightsFile, weightsFile } from './config.ts';
import type { DataSettings, FoundPictures } from './find-pictures.ts';
import { differences, type Fingerprint, fingerprintOf } from './fingerprint.ts';
import type { ResumeOptions } from './options.ts';
import { type Pictures, withoutPictures } from './pictures.ts';
import { hasFixedLength, type Recipe } from './recipe.ts';
import type { Regularization } from './regularization.ts';
import { findRunData } from './run-data.ts';
import { RUN_FILES } from './run-folder.ts';
import { damaged, type RunState, runStateFrom, stopsEarly } from './run-state.ts';
import { BEST_KEY, type BestReference, hashOf } from './save-jobs.ts';
import { extraOf, hasGradients, modelEntries } from './training-state.ts';
import type { RunSummary, State } from './types.ts';

/** The options of a run that may differ when it goes on. */
const CHANGEABLE = ['epochs', 'patience', 'minEpochs', 'threads', 'saveEvery', 'watchdog'] as const;

/** A run that goes on. */
export interface SavedRun {
  /** Of last.safetensors. */
  readonly path: string;
  readonly checkpoint: Checkpoint;
  readonly state: RunState;
  readonly mode: TutorialMode;
  readonly settings: NumberSettings;
  readonly input: InputSpec;
  readonly recipe: Recipe;
  readonly regularization: Regularization;
  readonly pictures: Pictures;
  readonly reading: DataSettings;
  readonly found: FoundPictures;
  readonly data: string;
  readonly demo: boolean;
  readonly weights: WeightsFile | null;
  readonly fingerprint: Fingerprint;
  readonly start: Start;
  readonly best: Best<State>;
  readonly bestHash: string;
}

/** @throws FileError if the folder has no saved state */
export function checkSaved(folder: string): void {
  if (existsSync(join(folder, RUN_FILES.last))) return;
  if (isProbe(folder)) {
    throw new UsageError(
      `${folder}: is a linear probe, which saves no state to go on from. Run it anew with --mode probe and another --out: ` +
        'it starts from the features in the cache, and takes seconds',
    );
  }
  throw new FileError(
    `${folder}: expected a run with ${RUN_FILES.last} to go on with, found none. Give the folder of a run that has finished an epoch.`,
  );
}

function isProbe(folder: string): boolean {
  try {
    return (JSON.parse(readFileSync(join(folder, RUN_FILES.config), 'utf8')) as { mode?: unknown }).mode === 'probe';
  } catch {
    return false;
  }
}

/**
 * Reads the state of a run whose folder this process has locked.
 * @throws as `resumeTraining`
 */
export async function openSaved(folder: string, options: ResumeOptions): Promise<SavedRun> {
  const path = join(folder, RUN_FILES.last);
  const checkpoint = readCheckpoint(path);
  const state = runStateFrom(path, extraOf(path, checkpoint));
  const settings = settingsOf(folder, state, options);
  const data = resolve(options.data ?? state.data);
  const { valSplit, ignoreOrientation } = state;
  const { signal, reporter } = options;
  const { found, reading } = await findRunData({ data, valSplit, ignoreOrientation, signal, reporter }, settings);
  const all = found.pictures;
  const fingerprint = fingerprintOf(all);
  const differing = differences(state.fingerprint, fingerprint);
  if (differing.length > 0) {
    throw new FileError(
      `${data}: the pictures are not those of the run in ${folder}: ${differing.join(', ')}. ` +
        'Restore them, name the folder with --data if it has moved, or start a new run.',
    );
  }
  // Files of the same names and sizes are taken for the same: they are not checked again.
  const pictures = withoutPictures(all, state.skipped);
  const wrong = unlike(state, all, pictures) ?? unlikeGradients(state, pictures, checkpoint);
  if (wrong) throw damaged(path, wrong);
  checkWeights(folder, state.weights);
  const { mode, recipe, regularization, demo, weights } = state;
  const start = await startOf(path, state.start);
  const input = readInput(state.input, start.architecture, settings.imageSize);
  const { best, hash } = openBest(folder, path, checkpoint, { ...state, start, input }, pictures, reading);
  return {
    ...{
      path,
      checkpoint,
      state,
      mode,
      settings,
      input,
      recipe,
      regularization,
      pictures,
      reading,
      found,
      data,
      demo,
      weights,
    },
    ...{ fingerprint, best },
    // Everything is loaded from the saved state.
    start: { ...start, input },
    bestHash: hash,
  };
}

/** With the network that the state's graph describes. */
async function startOf(path: string, { graph, ...start }: RunState['start']): Promise<StartFacts> {
  return graph === undefined ? start : { ...start, net: await readGraph(graph, path) };
}

function settingsOf(folder: string, state: RunState, options: ResumeOptions): NumberSettings {
  const { settings, recipe, position, metrics } = state;
  const changed: NumberSettings = {
    ...settings,
    ...Object.fromEntries(
      CHANGEABLE.flatMap((name) => {
        const value = options[name];
        return value === undefined ? [] : [[name, checkNumber(name, value)]];
      }),
    ),
  };
  const { epochs, patience } = changed;
  const { epoch } = position;
  if (epochs !== settings.epochs && hasFixedLength(recipe)) {
    throw new UsageError(
      `epochs: the schedule ${recipe.schedule} of the run in ${folder} is laid out for its ${settings.epochs} epochs, found ` +
        `${epochs}; start a new run from its best weights`,
    );
  }
  // A crash may have come after the last epoch and before the summary: then the run has not ended.
  const ended = hasEnded(folder, epoch);
  if (epochs < epoch || (epochs === epoch && options.epochs !== undefined && ended)) {
    throw new UsageError(`epochs: the run in ${folder} has finished ${epoch}, expected more, found ${epochs}`);
  }
  if (ended && epochs === epoch) {
    throw new UsageError(`${folder}: the run has ended after its ${epochs} epochs; give more with --epochs to go on`);
  }
  if (ended && stopsEarly(metrics, epoch, changed)) {
    throw new UsageError(
      `${folder}: the run has ended after its epoch ${epoch - 1}, because val had not improved for ${patience}; ` +
        'give another --patience to go on (0: never stop)',
    );
  }
  return changed;
}

function hasEnded(folder: string, epochs: number): boolean {
  try {
    const summary = JSON.parse(readFileSync(join(folder, RUN_FILES.summary), 'utf8')) as Partial<RunSummary>;
    return summary.epochs === epochs && summary.interrupted === false;
  } catch {
    return false;
  }
}

/** How the state contradicts the pictures of its run. */
function unlike({ classes, skipped, position, settings }: RunState, all: Pictures, { train, val }: Pictures) {
  if (classes.join('/') !== all.classes.join('/')) return 'its classes are not those of its pictures';
  if (all.train.length + all.val.length !== train.length + val.length + skipped.length)
    return 'it leaves out pictures that there are not';
  const { done } = position;
  if (done && done.images !== Math.min(done.step * settings.batchSize, train.length))
    return `${done.images} pictures in ${done.step} steps`;
  return undefined;
}

/** How the gradients contradict the position: there are some exactly between the batches of one update. */
function unlikeGradients({ position: { done }, settings }: RunState, { train }: Pictures, checkpoint: Checkpoint) {
  const between = done !== null && !groupPlace(done.step - 1, { ...settings, pictures: train.length }).updates;
  if (between === hasGradients(checkpoint)) return undefined;
  return between ? `it lacks the gradients of ${done.step} steps` : 'it has gradients without a step';
}

/** The saved state holds all weights, so a file that is gone is no loss. One that is another is a mistake. */
function checkWeights(folder: string, weights: WeightsFile | null): void {
  if (!weights || !existsSync(parseSource(weights.file).path) || weightsFile(weights.file).sha256 === weights.sha256)
    return;
  throw new FileError(
    `${weights.file}: is not the file that the run in ${folder} started from: expected SHA-256 ${weights.sha256}. ` +
      'Restore or move it, or start a new run.',
  );
}

/**
 * The best weights so far. If a crash came between last.safetensors and a new best.safetensors, that is written now:
 * its weights are those in last.safetensors.
 */
function openBest(
  folder: string,
  last: string,
  checkpoint: Checkpoint,
  state: RunState & { readonly input: InputSpec },
  pictures: Pictures,
  reading: DataSettings,
) {
  const reference = referenceIn(last, checkpoint);
  const path = join(folder, RUN_FILES.best);
  const bytes = existsSync(path) ? readCheckpoint(path) : undefined;
  let found = bytes && hashOf(encodeSafetensors(path, bytes)) === reference.sha256 ? bytes : undefined;
  if (!found) {
    const { mode, settings, input, start } = state;
    const { epoch, acc } = reference;
    const metadata = bestMetadata({ mode, settings, input, pictures, reading, start, best: { epoch, acc } });
    const whole = { tensors: modelEntries(checkpoint), metadata };
    if (hashOf(encodeSafetensors(path, whole)) !== reference.sha256) {
      throw new FileError(
        `${path}: is not the file that ${last} refers to: expected SHA-256 ${reference.sha256}. Restore it, or start a new run.`,
      );
    }
    writeFileAtomic(path, encodeSafetensors(path, whole));
    found = whole;
  }
  const best = new Best<State>(found.tensors as unknown as State, reference);
  return { best, hash: reference.sha256 };
}

function referenceIn(path: string, { metadata }: Checkpoint): BestReference {
  try {
    const reference = JSON.parse(metadata[BEST_KEY] ?? 'null') as BestReference;
    if (typeof reference.sha256 === 'string' && typeof reference.acc === 'number') return reference;
  } catch {
    // Handled below.
  }
  throw new FileError(`${path}: does not say which best.safetensors belongs to it. Restore the file.`);
}
