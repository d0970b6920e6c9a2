/** Loops of many thousand steps: with changing learning rates, without dispose, and with all losses kept. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoopEnd, LoopSample } from '../loops.ts';
import type { Outcome, Row } from '../row.ts';

/** The step from which on everything should be flat. */
const SETTLED = 1000;
/** The allowed growth in the second half. */
const GROWTH = 1.05;

interface Loop {
  readonly samples: readonly LoopSample[];
  readonly last: LoopEnd | undefined;
  /** How the process ended: an exit status or a signal. */
  readonly status: number | string;
}

async function run(name: string, steps: number): Promise<Loop> {
  const script = fileURLToPath(new URL('../loops.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, name, `${steps}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (status, signal) => resolve(status ?? signal ?? 'no status'));
  });
  const lines: (LoopSample | LoopEnd)[] = [];
  for await (const line of createInterface(child.stdout)) lines.push(JSON.parse(line));
  const end = lines.at(-1);
  const last = end && 'end' in end ? end : undefined;
  return { samples: lines.filter((line): line is LoopSample => 'rss' in line), last, status: await ended };
}

/** Compares the maxima of both halves of the steps from SETTLED on. */
function flat(
  what: string,
  loop: Loop,
  of: (sample: LoopSample) => number,
  unit = (value: number) => `${value}`,
): Outcome {
  const settled = loop.samples.filter(({ step }) => step >= SETTLED);
  const half = Math.floor(settled.length / 2);
  const before = Math.max(...settled.slice(0, half).map(of));
  const after = Math.max(...settled.slice(half).map(of));
  return {
    what: `${what}, maxima of the first and the second half, from step ${SETTLED} on`,
    figure: `${unit(before)} and ${unit(after)}`,
    bar: `at most ${GROWTH} times the first half`,
    holds: settled.length > 10 && after <= GROWTH * before,
  };
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

function ended(name: string, { last, status }: Loop, steps: number): Outcome {
  return {
    what: `${name}: ${steps} steps`,
    figure: `${last ? `${last.end} after ${last.step}` : 'died'}, exit status ${status}`,
    bar: 'ended, exit status 0',
    holds: last?.end === 'ended' && last.step === steps && status === 0,
  };
}

export const longLoops: Row = {
  name: 'long-loops',
  title: '100,000 steps with a new learning rate each; 20,000 without dispose; 20,000 that keep every loss',
  minutes: 25,
  ci: false,
  alone: true,
  run: async () => {
    const outcomes: Outcome[] = [];
    for (const [name, steps] of [
      ['forgets', 20_000],
      ['new-lr', 100_000],
    ] as const) {
      const loop = await run(name, steps);
      outcomes.push(
        ended(name, loop, steps),
        flat(`${name}: bind groups`, loop, ({ bindGroups }) => bindGroups),
        flat(`${name}: bytes of buffers`, loop, ({ allocatedBytes }) => allocatedBytes),
        flat(`${name}: resident memory`, loop, ({ rss }) => rss, megabytes),
      );
    }
    const keeps = await run('keeps', 20_000);
    outcomes.push(
      {
        what: 'keeps: the report',
        figure: `${keeps.last?.report ?? 'none'} (at step ${keeps.last?.reportedAt})`,
        bar: 'names crossEntropy, within 2000 steps',
        holds: (keeps.last?.reportedAt ?? Infinity) < 2000 && /of crossEntropy/.test(keeps.last?.report ?? ''),
      },
      {
        what: 'keeps: the end',
        figure: `${keeps.last?.end ?? 'died'} (at step ${keeps.last?.step}, exit status ${keeps.status})`,
        bar: 'a TensorLeakError, exit status 0',
        holds: /^TensorLeakError/.test(keeps.last?.end ?? '') && keeps.status === 0,
      },
    );
    return outcomes;
  },
};
