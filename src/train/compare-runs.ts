/** Compares two runs' metrics epoch by epoch: ours with PyTorch's, or with another of ours. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../errors.ts';
import type { Phase } from '../models/types.ts';
import { RUN_FILES } from './run-folder.ts';

/** The compared fields of a line of metrics.jsonl. */
export interface RunMetrics {
  /** From 0. */
  readonly epoch: number;
  readonly phase: Phase;
  /** Mean over the pictures of the phase; NaN if it was not finite. */
  readonly loss: number;
  /** Share of the pictures predicted correctly, from 0 to 1. */
  readonly acc: number;
}

/** The same epoch and phase of two runs. */
export interface RunPair {
  readonly epoch: number;
  readonly phase: Phase;
  readonly a: RunMetrics;
  readonly b: RunMetrics;
}

/** Two runs side by side. */
export interface RunComparison {
  /** In order of epochs, train before val. */
  readonly pairs: readonly RunPair[];
  /** Phases that only one of the two runs has: epochs that the other did not reach. */
  readonly onlyA: number;
  readonly onlyB: number;
  /** Largest |a − b| over all pairs of a phase; 0 if there is no pair. */
  readonly largest: Readonly<Record<Phase, { readonly loss: number; readonly acc: number }>>;
}

/**
 * Reads a `metrics.jsonl`, or the one in a run folder.
 * @throws FileError naming the file that cannot be read or is empty, or the line that holds no metrics
 */
export function readMetrics(path: string): RunMetrics[] {
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, RUN_FILES.metrics) : path;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new FileError(`${file}: cannot be read (${(cause as Error).message}); check the path`, { cause });
  }
  const rows = text
    .split('\n')
    .map((line, i) => ({ line: line.trim(), at: i + 1 }))
    .filter(({ line }) => line !== '')
    .map(({ line, at }) => parseRow(line, `${file}:${at}`));
  if (rows.length === 0) {
    throw new FileError(`${file}: expected a line of JSON per epoch and phase, found none; choose a finished run`);
  }
  return rows;
}

type ParsedRow = Partial<Omit<RunMetrics, 'loss'>> & { readonly loss?: number | null };

function parseRow(line: string, where: string): RunMetrics {
  let row: ParsedRow | null = null;
  try {
    row = JSON.parse(line) as ParsedRow | null;
  } catch {
    // The error below says what was expected.
  }
  const { epoch, phase, acc, loss: given } = row ?? ({} as ParsedRow);
  // JSON has no NaN and no infinity: a run that diverged has null.
  const loss = given === null ? Number.NaN : given;
  const good =
    Number.isInteger(epoch) &&
    (phase === 'train' || phase === 'val') &&
    typeof loss === 'number' &&
    typeof acc === 'number';
  if (good) return { epoch: epoch!, phase, loss, acc };
  throw new FileError(
    `${where}: expected a line of metrics.jsonl, {"epoch": 0, "phase": "train" or "val", "loss": …, "acc": …}, ` +
      `found ${line.slice(0, 80)}`,
  );
}

/** Pairs the phases that both runs have. */
export function compareRuns(a: readonly RunMetrics[], b: readonly RunMetrics[]): RunComparison {
  const key = ({ epoch, phase }: RunMetrics) => `${epoch} ${phase}`;
  const ofB = new Map(b.map((row) => [key(row), row]));
  const ofA = new Map(a.map((row) => [key(row), row]));
  const pairs = [...ofA.values()]
    .flatMap((row): RunPair[] => {
      const other = ofB.get(key(row));
      return other ? [{ epoch: row.epoch, phase: row.phase, a: row, b: other }] : [];
    })
    .sort((x, y) => x.epoch - y.epoch || x.phase.localeCompare(y.phase));
  const largest = (phase: Phase, value: (row: RunMetrics) => number) =>
    Math.max(0, ...pairs.filter((pair) => pair.phase === phase).map((pair) => Math.abs(value(pair.a) - value(pair.b))));
  const both = (phase: Phase) => ({ loss: largest(phase, (row) => row.loss), acc: largest(phase, (row) => row.acc) });
  return {
    pairs,
    onlyA: ofA.size - pairs.length,
    onlyB: ofB.size - pairs.length,
    largest: { train: both('train'), val: both('val') },
  };
}
