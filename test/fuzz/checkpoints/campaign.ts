/**
 * Mutated checkpoints, read in a child process that is watched: no crash, no hang, no file left behind, memory within a
 * bound, and values equal to PyTorch's where PyTorch reads the file without a warning.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer, Kept, Order } from './child.ts';
import { makeCase } from './mutate.ts';
import { readSeeds } from './seeds.ts';
import { TorchReads } from './torch.ts';

/** A case that takes longer, of the processor's time, hangs. Waiting without end is seen by the clock. */
export const SLOWEST_MS = 5000;
/** Memory of the reading process, with Node's own 80 MB. */
export const MOST_MEMORY = 2 ** 28;

/** Cases of one order. */
const CHUNK = 500;
/** Answers of PyTorch that may be outstanding. */
const AHEAD = 2;

export interface CheckpointCampaign {
  readonly seed: number;
  /** The most cases. Unlimited by default. */
  readonly count?: number | undefined;
  /** The most seconds. Unlimited by default. */
  readonly seconds?: number | undefined;
  /** A Python that has torch; without it nothing is compared. */
  readonly python: string | undefined;
  /** The first case; 0 by default. */
  readonly from?: number | undefined;
  readonly onProgress?: ((soFar: CheckpointSummary) => void) | undefined;
  /** Another process, for tests of the watchdog. */
  readonly child?: { readonly script: string; readonly chunkMs: number; readonly caseMs: number };
}

const CHILD: NonNullable<CheckpointCampaign['child']> = {
  script: fileURLToPath(new URL('child.ts', import.meta.url)),
  // A chunk takes a second. On a busy machine it may take many.
  chunkMs: 60_000,
  caseMs: 20_000,
};

export interface CheckpointSummary {
  cases: number;
  /** Files that were read, not refused. */
  read: number;
  /** Those of them that PyTorch read too, without a warning. */
  compared: number;
  /** Time of the processor. */
  slowestMs: number;
  /** Most memory of the reading process, in bytes. */
  peak: number;
  seconds: number;
  /** The first ones. */
  readonly failures: { readonly index: number; readonly message: string }[];
}

const MOST_FAILURES = 5;

/** Runs cases until some fail, or until count or time is up. */
export async function runCheckpoints(options: CheckpointCampaign): Promise<CheckpointSummary> {
  const { seed, python, from = 0 } = options;
  const { count = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = options;
  const folder = mkdtempSync(join(tmpdir(), 'dawngrad-fuzz-'));
  const torch = python === undefined ? undefined : new TorchReads(python);
  const reader = new Reader(folder, options.child ?? CHILD);
  const zero = { cases: 0, read: 0, compared: 0, slowestMs: 0, peak: 0, seconds: 0 };
  const summary: CheckpointSummary = { ...zero, failures: [] };
  const started = performance.now();
  const comparisons: Promise<void>[] = [];
  try {
    while (summary.cases < count && summary.seconds < seconds && summary.failures.length < MOST_FAILURES) {
      const first = from + summary.cases;
      const order = {
        seed,
        from: first,
        to: first + Math.min(CHUNK, count - summary.cases),
        keep: torch !== undefined,
      };
      const answer = await reader.run(order);
      note(summary, answer);
      if (torch && answer.kept.length > 0) comparisons.push(compare(torch, answer.kept, summary));
      if (comparisons.length > AHEAD) await comparisons.shift();
      summary.seconds = (performance.now() - started) / 1000;
      options.onProgress?.(summary);
    }
    await Promise.all(comparisons);
  } finally {
    await Promise.allSettled(comparisons);
    torch?.close();
    await reader.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return summary;
}

function note(summary: CheckpointSummary, { order, read, failures, slowestMs, peak }: Answer): void {
  summary.cases += order.to - order.from;
  summary.read += read;
  summary.slowestMs = Math.max(summary.slowestMs, slowestMs);
  summary.peak = Math.max(summary.peak, peak);
  summary.failures.push(...failures);
  const index = order.to - 1;
  if (slowestMs > SLOWEST_MS)
    summary.failures.push({ index, message: `one up to here took ${slowestMs.toFixed(0)} ms` });
  if (peak > MOST_MEMORY) summary.failures.push({ index, message: `up to here reading took ${peak} bytes of memory` });
}

async function compare(torch: TorchReads, kept: readonly Kept[], summary: CheckpointSummary): Promise<void> {
  const { compared, wrong } = await torch.compare(kept);
  summary.compared += compared;
  for (const [path, message] of wrong) {
    summary.failures.push({ index: kept.find((one) => one.path === path)!.index, message });
  }
  for (const { path } of kept) rmSync(path, { force: true });
}

/** The child process, started again after a crash or a hang. */
class Reader {
  readonly #folder: string;
  readonly #settings: NonNullable<CheckpointCampaign['child']>;
  #child: ChildProcess | undefined;

  constructor(folder: string, settings: NonNullable<CheckpointCampaign['child']>) {
    this.#folder = folder;
    this.#settings = settings;
  }

  /** Runs a chunk. If it does not end, its cases run one by one until one does not end. */
  async run(order: Order): Promise<Answer> {
    const { chunkMs, caseMs } = this.#settings;
    const ended = await this.#try(order, chunkMs);
    if (typeof ended !== 'string') return ended;
    for (let index = order.from; index < order.to; index++) {
      const one = await this.#try({ ...order, from: index, to: index + 1 }, caseMs);
      if (typeof one === 'string') return failed(order, index, one);
    }
    return failed(order, order.to - 1, `${ended}, but none of the chunk's cases does so alone`);
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** @returns the answer, or how the process ended without one */
  #try(order: Order, milliseconds: number): Promise<Answer | string> {
    this.#child ??= fork(this.#settings.script, [this.#folder], { execArgv: ['--import', 'tsx'] });
    const child = this.#child;
    return new Promise((resolve) => {
      const watchdog = setTimeout(() => child.kill('SIGKILL'), milliseconds);
      const settle = (outcome: Answer | string) => {
        clearTimeout(watchdog);
        child.removeAllListeners();
        resolve(outcome);
      };
      child.once('message', (answer) => settle(answer as Answer));
      child.once('exit', (code, signal) => {
        this.#child = undefined;
        settle(
          signal === 'SIGKILL' ? `no answer within ${milliseconds} ms` : `the process ended with ${code ?? signal}`,
        );
      });
      child.send(order);
    });
  }
}

function failed(order: Order, index: number, message: string): Answer {
  return { order, read: 0, kept: [], failures: [{ index, message }], slowestMs: 0, peak: 0 };
}

/** The file of one case, to look at it. */
export function caseBytes(seed: number, index: number): { name: string; bytes: Buffer } {
  return makeCase(readSeeds(), seed, index);
}

/** A summary in one line, for people. */
export function describeCheckpoints({ cases, read, compared, slowestMs, peak, failures }: CheckpointSummary): string {
  return (
    `${cases} mutated checkpoints, ${read} read and the others refused, ${compared} compared with PyTorch; the slowest took ` +
    `${slowestMs.toFixed(0)} ms, memory ${(peak / 1e6).toFixed(0)} MB; ${failures.length} failures`
  );
}
