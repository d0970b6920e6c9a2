/** A fresh clone with nothing installed in it: both commands do their own set-up. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Outcome, Row } from '../row.ts';

export const freshClone: Row = {
  name: 'fresh-clone',
  title: '`npm test` and `npm run train` in a fresh clone of what is committed',
  minutes: 12,
  ci: false,
  run: async (context) => {
    const clone = join(context.scratch, 'clone');
    const root = new URL('../..', import.meta.url).pathname;
    const cloned = run('git', ['clone', '--quiet', root, clone], context.scratch);
    if (cloned.status !== 0) throw new Error(`git clone failed: ${cloned.lastLines}`);
    const train = run(
      'npm',
      ['run', 'train', '--', '--data', context.data, '--weights', context.weights, '--epochs', '1'],
      clone,
    );
    const test = run('npm', ['test'], clone);
    return [outcome('npm run train, one epoch', train), outcome('npm test', test)];
  },
};

interface Ended {
  readonly status: number | null;
  readonly seconds: number;
  readonly lastLines: string;
}

function run(command: string, args: readonly string[], cwd: string): Ended {
  const started = performance.now();
  // Without what this process was told by the set-up of its own checkout.
  const { DAWNGRAD_NO_SETUP: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 28 });
  const lastLines = `${stderr}\n${stdout}`.trim().split('\n').slice(-15).join('\n    ');
  return { status, seconds: (performance.now() - started) / 1000, lastLines };
}

function outcome(what: string, { status, seconds, lastLines }: Ended): Outcome {
  if (status !== 0) console.log(`  ${what}:\n    ${lastLines}`);
  return { what, figure: `exit status ${status}, ${seconds.toFixed(0)} s`, bar: 'exit status 0', holds: status === 0 };
}
