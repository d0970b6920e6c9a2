/** What last.safetensors says of a run beside its tensors: what the run is, and how far it is. */
import * as v from 'valibot';
import { FileError } from '../errors.ts';
import { type InputSpec, isInputSpec } from '../input-spec.ts';
import { netOf } from '../models/registry.ts';
import type { StartFacts } from '../models/start.ts';
import { NET_NAMES, ONNX, OPTIMIZERS, type Phase, TUTORIAL_MODES, type TutorialMode } from '../models/types.ts';
import {
  isNumberOption,
  isQuiet,
  NUMBER_OPTIONS,
  type NumberOption,
  type NumberSettings,
  numberSettings,
  writtenNumbers,
} from '../plan/index.ts';
import { printable } from '../printable.ts';
import type { DataSettings } from './find-pictures.ts';
import type { Fingerprint } from './fingerprint.ts';
import { ON_DIVERGENCE, type OnDivergence } from './options.ts';
import type { PhaseProgress } from './phase.ts';
import { type Recipe, SCHEDULES, TUTORIAL_RECIPE, writtenRecipe } from './recipe.ts';
import { REGULARIZATION_SCHEMA, type Regularization, written } from './regularization.ts';
import type { Extra } from './training-state.ts';
import type { PhaseMetrics, RunSegment } from './types.ts';

/** Where a run goes on. */
export interface Position {
  readonly epoch: number;
  readonly phase: Phase;
  /** The sums of the phase's steps so far; none at its start. */
  readonly done: PhaseProgress | null;
}

/** The description of a run that does not change, and its progress. */
export interface RunState extends DataSettings {
  readonly mode: TutorialMode;
  readonly settings: NumberSettings;
  /** Undefined where `writtenInput` leaves it out. */
  readonly input?: InputSpec | undefined;
  readonly recipe: Recipe;
  readonly regularization: Regularization;
  /** Absolute path. */
  readonly data: string;
  readonly weights: { readonly file: string; readonly sha256: string } | null;
  readonly demo: boolean;
  readonly classes: readonly string[];
  /** Files have the network's graph instead of the network. */
  readonly start: StartFacts & { readonly graph?: string };
  readonly fingerprint: Fingerprint;
  /** Names of broken pictures that are left out. They count in the fingerprint. */
  readonly skipped: readonly string[];
  readonly onDivergence: OnDivergence;
  /** The loss of the run's first step, which tells whether a later one has exploded. */
  readonly firstLoss: number | null;
  readonly position: Position;
  /** The lines of metrics.jsonl. */
  readonly metrics: readonly PhaseMetrics[];
  /** Each start of the run. */
  readonly segments: readonly RunSegment[];
  /** Seconds of training so far. */
  readonly seconds: number;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const real = v.pipe(v.number(), v.finite());
const seconds = v.pipe(real, v.minValue(0));
/** JSON has no NaN and no infinity: they are null there. */
const measured = v.pipe(
  v.nullable(real),
  v.transform((value) => value ?? Number.NaN),
);
const phase = v.picklist(['train', 'val']);
const strings = v.array(v.string());
const weightsFile = v.object({ file: v.string(), sha256: v.string() });

const option = (name: NumberOption) =>
  v.pipe(
    v.number(),
    v.check((value) => isNumberOption(name, value), 'is out of its range'),
  );
const names = Object.keys(NUMBER_OPTIONS) as NumberOption[];
const settings = v.pipe(
  v.object(
    Object.fromEntries(names.map((name) => [name, isQuiet(name) ? v.optional(option(name)) : option(name)])) as Record<
      NumberOption,
      ReturnType<typeof option>
    >,
  ),
  v.transform((numbers) => numberSettings(numbers)),
);
const recipe = v.pipe(
  v.optional(
    v.object({
      optimizer: v.optional(v.picklist(OPTIMIZERS)),
      schedule: v.optional(v.picklist(SCHEDULES)),
      unfreeze: v.optional(v.string()),
    }),
    {},
  ),
  v.transform((written) => ({ ...TUTORIAL_RECIPE, ...written })),
);

const metrics = v.object({
  ...{ epoch: count, phase, loss: measured, acc: v.pipe(real, v.minValue(0), v.maxValue(1)), lr: real },
  ...{ lrBackbone: v.exactOptional(real), seconds },
  imagesPerSecond: measured,
});

const SCHEMA = v.object({
  mode: v.picklist(TUTORIAL_MODES),
  settings,
  input: v.optional(v.custom<InputSpec>(isInputSpec, 'is no input of a network')),
  recipe,
  regularization: REGULARIZATION_SCHEMA,
  data: v.string(),
  // Only where they are not the tutorial's.
  valSplit: v.optional(v.pipe(real, v.gtValue(0), v.ltValue(1))),
  ignoreOrientation: v.optional(v.boolean()),
  weights: v.nullable(weightsFile),
  demo: v.boolean(),
  classes: strings,
  start: v.object({
    architecture: v.picklist(NET_NAMES, 'is no known network'),
    // Of an ONNX file's network: what there is to know of it but its weights.
    graph: v.exactOptional(v.string()),
    description: v.string(),
    loadsLastLayer: v.boolean(),
  }),
  fingerprint: v.record(v.string(), v.object({ files: count, sha256: v.string() })),
  skipped: strings,
  onDivergence: v.picklist(ON_DIVERGENCE),
  firstLoss: v.nullable(real),
  position: v.object({
    epoch: count,
    phase,
    done: v.nullable(
      v.object({
        ...{ step: positive, images: positive, lossSum: measured, correctSum: count, seconds },
        // Skipping more would take minutes.
        words: v.exactOptional(v.pipe(count, v.maxValue(2 ** 34))),
      }),
    ),
  }),
  metrics: v.array(metrics),
  segments: v.array(
    v.object({
      ...{ epoch: count, phase, step: count },
      ...{ dawngrad: v.string(), node: v.string(), adapter: v.string(), kernels: v.string() },
    }),
  ),
  seconds,
});

/** The state as files hold it: without what is the tutorial's and came later than the format. */
export function writtenState(whole: RunState): Extra {
  const { mode, settings: numbers, input, recipe: words, regularization, start, ...state } = whole;
  const { net, ...facts } = start;
  const [changes, mixing] = [writtenRecipe(words), written(regularization)];
  return {
    mode,
    settings: writtenNumbers(numbers),
    ...(input && { input }),
    ...state,
    start: { ...facts, ...(net?.graph !== undefined && { graph: net.graph }) },
    ...(Object.keys(changes).length > 0 && { recipe: changes }),
    ...(Object.keys(mixing).length > 0 && { regularization: mixing }),
  };
}

/** Checks what a file says. @throws FileError if it is no state of a run */
export function runStateFrom(path: string, extra: Extra): RunState {
  if (!('mode' in extra && 'position' in extra)) {
    throw new FileError(
      `${path}: expected the state of a run, found another saved training. Load it with loadTraining().`,
    );
  }
  const { success, output, issues } = v.safeParse(SCHEMA, extra);
  if (!success) throw damaged(path, `extra.${v.getDotPath(issues[0])}: ${issues[0].message}`);
  const state = output as RunState;
  const wrong = progressOf(state);
  if (wrong) throw damaged(path, wrong);
  return state;
}

/** @param what what its metadata says wrongly */
export function damaged(path: string, what: string): FileError {
  return new FileError(
    `${path}: its metadata dawngrad.training is damaged (${what}). Restore a copy, or start a new run.`,
  );
}

/** What of the state's progress contradicts itself. */
function progressOf(state: RunState): string | undefined {
  const { position, metrics, settings, input, classes, regularization, recipe, start } = state;
  const { unfreeze } = recipe;
  if (start.architecture === ONNX) {
    if (start.graph === undefined) return 'an ONNX network without its graph';
  } else if (unfreeze !== undefined && !netOf(start.architecture).blocks.includes(unfreeze))
    return `a ${start.architecture} has no block ${printable(unfreeze)}`;
  const { epoch, phase, done } = position;
  const { classWeights } = regularization;
  if (classWeights && classWeights.length !== classes.length)
    return `${classWeights.length} class weights of ${classes.length} classes`;
  if (input && input.crop !== settings.imageSize) return `an input of ${input.crop} at the size ${settings.imageSize}`;
  if (epoch > settings.epochs) return `epoch ${epoch} of ${settings.epochs}`;
  if (phase === 'val' && done) return 'a val phase begins anew';
  const rows = 2 * epoch + (phase === 'val' ? 1 : 0);
  const inOrder = metrics.every((row, i) => row.epoch === i >> 1 && row.phase === (i % 2 === 0 ? 'train' : 'val'));
  if (metrics.length !== rows || !inOrder) {
    return `it stands in the ${phase} phase of epoch ${epoch}, and ${metrics.length} phases are listed`;
  }
  return undefined;
}

/**
 * Whether `patience` ends the run before its next epoch: val has improved in neither loss nor accuracy for so many
 * epochs.
 */
export function stopsEarly(
  metrics: readonly PhaseMetrics[],
  finished: number,
  { patience, minEpochs }: Pick<NumberSettings, 'patience' | 'minEpochs'>,
): boolean {
  return patience > 0 && finished >= minEpochs && epochsWithoutImprovement(metrics) >= patience;
}

/** How many epochs have passed since val was better than ever before, in loss or in accuracy. */
export function epochsWithoutImprovement(metrics: readonly PhaseMetrics[]): number {
  let [loss, acc, since] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const row of metrics) {
    if (row.phase !== 'val') continue;
    since = row.loss < loss || row.acc > acc ? 0 : since + 1;
    if (Number.isFinite(row.loss)) loss = Math.min(loss, row.loss);
    acc = Math.max(acc, row.acc);
  }
  return since;
}
