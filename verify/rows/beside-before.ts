/** Steps of this checkout beside those of an earlier version, in turns, so that the machine's drift touches both. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { median } from '../../bench/statistics.ts';
import { WORKS } from '../../bench/steps.ts';
import { type Outcome, type Row, Skipped } from '../row.ts';

/** The version before the engine was rebuilt. DAWNGRAD_BEFORE names another commit. */
const BEFORE = 'f86927a';
const ROUNDS = 15;
const BAR = 1.02;
/** Steps of a block: more of the short ones. */
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
    if (done) throw new Error('A process that takes steps ended early.');
    return value;
  }

  /** Milliseconds of a step. */
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
  title: `steps beside those of the version before (${BEFORE}), ${ROUNDS} rounds in turns`,
  minutes: 5,
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
    const sides: Side[] = [];
    try {
      symlinkSync(join(root, 'node_modules'), join(before, 'node_modules'), 'junction');
      // One after another, as each compiles its kernels.
      for (const checkout of [root, before]) {
        const side = new Side(checkout);
        sides.push(side);
        await side.line();
      }
      const outcomes: Outcome[] = [];
      for (const work of WORKS) {
        outcomes.push(await compare(work, sides[0]!, sides[1]!));
        console.log(`  ${outcomes.at(-1)!.what}: ${outcomes.at(-1)!.figure}`);
      }
      return outcomes;
    } finally {
      for (const side of sides) side.close();
      execFileSync('git', ['worktree', 'remove', '--force', before], { cwd: root, stdio: 'ignore' });
    }
  },
};

async function compare(work: keyof typeof STEPS, now: Side, before: Side): Promise<Outcome> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const turns = [
      () => now.block(work, STEPS[work]).then((ms) => ours.push(ms)),
      () => before.block(work, STEPS[work]).then((ms) => theirs.push(ms)),
    ];
    if (round % 2 === 1) turns.reverse();
    for (const turn of turns) await turn();
  }
  const ratios = ours.map((ms, i) => ms / theirs[i]!).sort((a, b) => a - b);
  const middle = median(ratios);
  const [low, high] = medianInterval(ratios);
  return {
    what: `${work}, time of a step to that before, median of ${ROUNDS} pairs`,
    figure:
      `${middle.toFixed(3)} (95 %: ${low.toFixed(3)} to ${high.toFixed(3)}); ` +
      `${median(ours).toFixed(0)} to ${median(theirs).toFixed(0)} ms`,
    bar: `at most ${BAR}, or 1 in the interval`,
    holds: middle <= BAR || (low <= 1 && 1 <= high),
  };
}

/** The 95 % interval of the median of sorted values, by order statistics: of 15 values the 4th and the 12th. */
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
