/** What last.safetensors says of a run beside its tensors: what the run is, and how far it is. */
import { FileError } from '../errors.ts';
import type { StartFacts } from '../models/start.ts';
import type { Phase, TrainMode } from '../models/types.ts';
import { type NumberSettings, numberSettings } from '../plan/index.ts';
import type { Fingerprint } from './fingerprint.ts';
import { checkOnDivergence, type OnDivergence } from './options.ts';
import type { PhaseProgress } from './phase.ts';
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
export interface RunState {
  readonly mode: TrainMode;
  readonly settings: NumberSettings;
  /** Absolute path. */
  readonly data: string;
  readonly weights: { readonly file: string; readonly sha256: string } | null;
  readonly demo: boolean;
  readonly classes: readonly string[];
  readonly start: StartFacts;
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

/** Checks what a file says. @throws FileError if it is no state of a run */
export function runStateFrom(path: string, extra: Extra): RunState {
  const state = extra as unknown as RunState;
  const { mode, settings, data, classes, start, fingerprint, position, metrics, segments, seconds } = state;
  const good =
    ['finetune', 'extract'].includes(mode) &&
    typeof data === 'string' &&
    [classes, metrics, segments].every(Array.isArray) &&
    [settings, start, fingerprint, position].every((one) => typeof one === 'object' && one !== null) &&
    Number.isInteger(position.epoch) &&
    ['train', 'val'].includes(position.phase) &&
    Number.isFinite(seconds);
  if (!good) {
    throw new FileError(
      `${path}: expected the state of a run, found another saved training. Load it with loadTraining().`,
    );
  }
  return {
    ...state,
    settings: numberSettings(settings),
    skipped: state.skipped ?? [],
    onDivergence: checkOnDivergence(state.onDivergence ?? 'stop'),
    firstLoss: state.firstLoss ?? null,
    // JSON has no NaN and no infinity: they are null there.
    metrics: metrics.map((row) => ({ ...row, loss: row.loss ?? Number.NaN })),
    position: {
      ...position,
      done: position.done && { ...position.done, lossSum: position.done.lossSum ?? Number.NaN },
    },
  };
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
