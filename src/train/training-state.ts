/**
 * The state of a training loop in one safetensors file: weights with the batch norms' statistics, the optimizer, the
 * schedule, the random generator, and values of the caller. Its names are documented in docs/running.md.
 */

import { keep, Tensor } from '../autograd/index.ts';
import type { Generator, GeneratorState } from '../data/index.ts';
import { DawngradError, FileError, UsageError } from '../errors.ts';
import { type AnyModule, checkState, readState, type StateDict } from '../nn/index.ts';
import type { OptimizerState, SavedValues } from '../optim/index.ts';
import { type Checkpoint, readCheckpoint, type TensorData, writeSafetensors } from '../weights/index.ts';

/** Metadata key of the values beside the tensors. */
const KEY = 'dawngrad.training';
/** Files of another version are refused. A later version must read this one. */
const VERSION = 1;
const MODEL = 'model.';
const OPTIMIZER = 'optimizer.';
const GRADIENT = 'gradient.';

/** The parts of a training loop; only those that there are. */
export interface TrainingParts {
  readonly model: AnyModule;
  readonly optimizer?: {
    stateDict(): OptimizerState;
    loadStateDict(state: OptimizerState<TensorData>): void;
  };
  readonly scheduler?: { stateDict(): SavedValues; loadStateDict(state: SavedValues): void };
  readonly generator?: Generator;
  /**
   * Whether the gradients that stand at the model's parameters belong to the state: those of batches that have not made
   * their update yet. Off by default.
   */
  readonly gradients?: boolean;
}

/** Values of the caller, as JSON can hold them: an epoch, a best accuracy. */
export type Extra = Readonly<Record<string, unknown>>;

interface SavedParts {
  readonly version: number;
  readonly optimizer: SavedValues | null;
  readonly scheduler: SavedValues | null;
  readonly generator: GeneratorState | null;
  readonly extra: Extra;
}

/**
 * Starts to read the state from the device as it is now; training may go on meanwhile.
 * @param generator overrides the generator's present state
 */
export function captureTraining(
  parts: TrainingParts,
  extra: Extra = {},
  generator: GeneratorState | undefined = parts.generator?.stateDict(),
): Promise<Checkpoint> {
  checkParts('saveTraining', parts);
  if (Object.getPrototypeOf(Object(extra)) !== Object.prototype) {
    throw new TypeError(`saveTraining: extra must be an object with your values, got ${String(extra)}.`);
  }
  checkJson('extra', extra);
  const { model, optimizer, scheduler } = parts;
  const optimizerState = optimizer?.stateDict();
  const saved: SavedParts = {
    version: VERSION,
    optimizer: optimizerState?.values ?? null,
    scheduler: scheduler?.stateDict() ?? null,
    generator: generator ?? null,
    extra,
  };
  const prefixed = (prefix: string, state: StateDict) =>
    Array.from(state, ([name, entry]) => [prefix + name, entry] as const);
  const state: StateDict = new Map([
    ...prefixed(MODEL, model.stateDict()),
    ...prefixed(OPTIMIZER, optimizerState?.tensors ?? new Map()),
    ...(parts.gradients ? prefixed(GRADIENT, gradientsOf(model)) : []),
  ]);
  // Before the first await: what is recorded later does not change what is read.
  const reading = readState(state);
  const metadata = { format: 'pt', [KEY]: JSON.stringify(saved) };
  return reading.then((tensors) => ({ tensors: new Map(tensors), metadata }));
}

/**
 * Saves a training loop, so that `loadTraining` goes on from here to the same bits. The file is written whole or not
 * at all.
 * @throws FileError if it cannot be written; errors of the device
 */
export async function saveTraining(path: string, parts: TrainingParts, extra?: Extra): Promise<void> {
  writeSafetensors(path, await captureTraining(parts, extra));
}

/**
 * Loads what `saveTraining` saved into parts that are built alike.
 * @returns the caller's values
 * @throws FileError if the file is damaged or no saved training, or lacks a part; StateDictError or OptionError if a
 *   part does not fit; then no part was changed
 */
export function loadTraining(path: string, parts: TrainingParts): Extra {
  checkParts('loadTraining', parts);
  return restoreTraining(path, readCheckpoint(path), parts);
}

/** @throws UsageError */
function checkParts(caller: string, parts: TrainingParts): void {
  if (typeof (parts as Partial<TrainingParts> | undefined)?.model?.stateDict === 'function') return;
  throw new UsageError(`${caller}: expected { model, … } with a module as model`);
}

/** The caller's values in a saved training. @throws FileError */
export function extraOf(path: string, checkpoint: Checkpoint): Extra {
  return savedParts(path, checkpoint).extra;
}

const MOST_DEPTH = 100;

/** @throws TypeError for a value that JSON would change in silence */
function checkJson(path: string, value: unknown, depth = 0): void {
  const fail = (found: string): never => {
    throw new TypeError(`saveTraining: ${path} must be a value that JSON can hold, got ${found}.`);
  };
  if (value === null || ['string', 'boolean'].includes(typeof value)) return;
  if (Number.isFinite(value) && !Object.is(value, -0)) return;
  const isArray = Array.isArray(value);
  if (typeof value !== 'object' || !(isArray || Object.getPrototypeOf(value) === Object.prototype)) {
    fail(typeof value === 'object' ? `a ${value.constructor?.name}` : Object.is(value, -0) ? '-0' : String(value));
  }
  if (depth > MOST_DEPTH) fail(`${MOST_DEPTH} levels, or a value inside itself`);
  const names = Reflect.ownKeys(value as object).filter((name) => !(isArray && name === 'length'));
  if (isArray && names.length !== value.length) fail('an array with holes or names');
  for (const name of names) {
    if (typeof name === 'symbol') fail(`the name ${String(name)}`);
    const one = (value as Record<PropertyKey, unknown>)[name];
    // JSON leaves out what an object does not have.
    if (isArray || one !== undefined) checkJson(`${path}.${String(name)}`, one, depth + 1);
  }
}

/** The same saved training with other values of the caller. */
export function withExtra({ tensors, metadata }: Checkpoint, extra: Extra): Checkpoint {
  const saved = { ...(JSON.parse(metadata[KEY]!) as SavedParts), extra };
  return { tensors, metadata: { ...metadata, [KEY]: JSON.stringify(saved) } };
}

/** The entries of the model, under its own names. */
export function modelEntries({ tensors }: Checkpoint): Map<string, TensorData> {
  return under(MODEL, tensors);
}

/** Whether a saved training has gradients of batches that have not made their update yet. */
export function hasGradients({ tensors }: Checkpoint): boolean {
  return [...tensors.keys()].some((name) => name.startsWith(GRADIENT));
}

/** Loads the parts from a checkpoint in memory. @throws as `loadTraining` */
export function restoreTraining(path: string, checkpoint: Checkpoint, parts: TrainingParts): Extra {
  const saved = savedParts(path, checkpoint);
  const { model, optimizer, scheduler, generator } = parts;
  for (const name of ['optimizer', 'scheduler', 'generator'] as const) {
    if (parts[name] && !saved[name]) {
      throw new FileError(`${path}: holds no state of a ${name}. Save it with the ${name}, or load it without one.`);
    }
  }
  const [schedule, place] = [scheduler?.stateDict(), generator?.stateDict()];
  try {
    // Whatever can fail comes before the first change that cannot be undone.
    const entries = modelEntries(checkpoint);
    checkState(model.stateDict(), entries);
    const gradients = under(GRADIENT, checkpoint.tensors);
    const parameters = new Map([...model.namedParameters()].filter(([name]) => gradients.has(name)));
    if (parts.gradients) checkState(parameters, gradients);
    if (scheduler) scheduler.loadStateDict(saved.scheduler!);
    if (generator) generator.loadStateDict(saved.generator!);
    if (optimizer) optimizer.loadStateDict({ values: saved.optimizer!, tensors: under(OPTIMIZER, checkpoint.tensors) });
    model.loadStateDict(entries);
    if (parts.gradients) loadGradients(model, parameters, gradients);
  } catch (error) {
    if (schedule) scheduler!.loadStateDict(schedule);
    if (place) generator!.loadStateDict(place);
    if (error instanceof DawngradError) error.message = `${path}: ${error.message}`;
    // The generator takes no other errors: it knows no files.
    else if (error instanceof TypeError) throw new FileError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
  return saved.extra;
}

/** The gradients that there are, under the names of their parameters. */
function gradientsOf(model: AnyModule): StateDict {
  return new Map([...model.namedParameters()].flatMap(([name, { grad }]) => (grad ? [[name, grad]] : [])));
}

function loadGradients(
  model: AnyModule,
  parameters: ReadonlyMap<string, Tensor>,
  gradients: ReadonlyMap<string, TensorData>,
): void {
  for (const parameter of model.parameters()) parameter.zeroGrad();
  for (const [name, parameter] of parameters) {
    parameter.grad = keep(Tensor.from(parameter.gpu, gradients.get(name)!.data as Float32Array, parameter.shape));
  }
}

function under(prefix: string, tensors: Checkpoint['tensors']): Map<string, TensorData> {
  return new Map(
    [...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, entry]) => [name.slice(prefix.length), entry]),
  );
}

function savedParts(path: string, { metadata }: Checkpoint): SavedParts {
  let saved: SavedParts | undefined;
  try {
    saved = JSON.parse(metadata[KEY] ?? 'null') as SavedParts;
  } catch {
    // Handled below.
  }
  if (typeof saved !== 'object' || saved === null || typeof saved.version !== 'number') {
    throw new FileError(
      `${path}: expected a saved training (metadata ${KEY}), found other weights. Give a last.safetensors.`,
    );
  }
  if (saved.version !== VERSION) {
    throw new FileError(
      `${path}: its format has version ${saved.version}, this program reads version ${VERSION}. Use the dawngrad that wrote it, or a newer one.`,
    );
  }
  return { ...saved, extra: saved.extra ?? {} };
}
