/** Steps of this checkout beside those of an earlier version, in turn, so that the machine's drift affects both. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { median } from '../../bench/statistics.ts';
import { WORKS, type Work } from '../../bench/steps.ts';
import { type Outcome, type Row, Skipped } from '../row.ts';

/** The version before the engine was rebuilt. DAWNGRAD_BEFORE names another commit. */
const BEFORE = 'f86927a';
/**
 * Pairs of processes, and rounds per pair. Whole processes differ in speed by more than 10 %, because their memory is
 * laid out differently.
 */
const PROCESSES = 5;
const ROUNDS = 3;
const BAR = 1.02;
/** Steps per block: more if they are short. */
const STEPS = { 'finetune-step': 2, 'extract-step': 4, 'eval-forward': 4 } as const;

const root = fileURLToPath(new URL('../..', import.meta.url));

class Side {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(checkout: string) {
    const script = fileURLToPath(new URL('../step-process.ts', import.meta.url));
    this.#child = spawn(process.execPath, ['--import', 'tsx', script, checkout], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#lines = createInterface(this.#child.stdout!)[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('A process that runs steps ended early.');
    return value;
  }

  /** @returns milliseconds per step */
  async block(work: string, steps: number): Promise<number> {
    this.#child.stdin!.write(`${work} ${steps}\n`);
    return Number(await this.line());
  }

  close(): void {
    this.#child.stdin!.end();
  }
}

export const besideBefore: Row = {
  name: 'beside-before',
  title: `steps beside those of the version before (${BEFORE}), ${PROCESSES * ROUNDS} rounds in turn`,
  minutes: 8,
  ci: false,
  alone: true,
  run: async ({ scratch }) => {
    const commit = process.env.DAWNGRAD_BEFORE ?? BEFORE;
    const before = join(scratch, 'before');
    try {
      execFileSync('git', ['worktree', 'add', '--detach', before, commit], { cwd: root, stdio: 'ignore' });
    } catch {
      throw new Skipped(`this checkout has no commit ${commit} to compare with`);
    }
    try {
      symlinkSync(join(root, 'node_modules'), join(before, 'node_modules'), 'junction');
      const pairs = new Map<Work, [now: number, before: number][]>(WORKS.map((work) => [work, []]));
      for (let i = 0; i < PROCESSES; i++) await round(i, root, before, pairs);
      return Array.from(pairs, ([work, times]) => compare(work, times));
    } finally {
      execFileSync('git', ['worktree', 'remove', '--force', before], { cwd: root, stdio: 'ignore' });
    }
  },
};

/** Runs the rounds of a new pair of processes, and adds their times to `pairs`. */
async function round(index: number, now: string, before: string, pairs: Map<Work, [number, number][]>): Promise<void> {
  const sides: Side[] = [];
  try {
    // They start one after another, because each compiles its kernels.
    for (const checkout of index % 2 === 0 ? [now, before] : [before, now]) {
      const side = new Side(checkout);
      sides.push(side);
      await side.line();
    }
    const [first, second] = sides as [Side, Side];
    for (const [work, times] of pairs) {
      for (let i = 0; i < ROUNDS; i++) {
        const one = await first.block(work, STEPS[work]);
        const two = await second.block(work, STEPS[work]);
        times.push(index % 2 === 0 ? [one, two] : [two, one]);
        console.log(
          `  ${work}: ${times
            .at(-1)!
            .map((ms) => ms.toFixed(0))
            .join(' beside ')} ms`,
        );
      }
    }
  } finally {
    for (const side of sides) side.close();
  }
}

function compare(work: Work, times: readonly [now: number, before: number][]): Outcome {
  const ratios = times.map(([now, before]) => now / before).sort((a, b) => a - b);
  const middle = median(ratios);
  const [low, high] = medianInterval(ratios);
  const [now, before] = [median(times.map(([ms]) => ms)), median(times.map(([, ms]) => ms))];
  return {
    what: `${work}, time of a step divided by that before, median of ${ratios.length} pairs`,
    figure:
      `${middle.toFixed(3)} (95 %: ${low.toFixed(3)} to ${high.toFixed(3)}); ` +
      `${now.toFixed(0)} to ${before.toFixed(0)} ms`,
    bar: `at most ${BAR}, or 1 in the interval`,
    holds: middle <= BAR || (low <= 1 && 1 <= high),
  };
}

/** The 95 % interval of the median of sorted values, by order statistics; for 15 values, the 4th and the 12th. */
function medianInterval(sorted: readonly number[]): [number, number] {
  const n = sorted.length;
  // P(at most k of n values lie below the median), by the binomial distribution.
  let tail = 0;
  let chance = 0.5 ** n;
  let k = 0;
  while (tail + chance <= 0.025) {
    tail += chance;
    chance *= (n - k) / (k + 1);
    k++;
  }
  const first = Math.max(0, k - 1);
  return [sorted[first]!, sorted[n - 1 - first]!];
}
