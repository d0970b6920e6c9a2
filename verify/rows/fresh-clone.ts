/** A fresh clone with nothing installed in it: both commands do their own set-up, with the machine's driver and without. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context, Outcome, Row } from '../row.ts';

export const freshClone: Row = {
  name: 'fresh-clone',
  title: '`npm run train` and `npm test` in a fresh clone of what is committed, with empty caches of its own',
  minutes: 15,
  ci: false,
  run: async (context) => runInClone(context),
};

/** Set by who does not mind that the driver is removed, and installed again by the set-up. */
const CONSENT = 'DAWNGRAD_REMOVE_DRIVER';

export const bareMachine: Row = {
  name: 'bare-machine',
  title: `the same after the software driver was removed (Debian, root, ${CONSENT}=1)`,
  minutes: 16,
  ci: false,
  run: async (context) => {
    if (process.env[CONSENT] !== '1' || process.getuid?.() !== 0) {
      throw new Error(
        `This check removes mesa-vulkan-drivers from this machine and lets the set-up install it again. Run it as root on ` +
          `Debian or Ubuntu with ${CONSENT}=1.`,
      );
    }
    const removed = run('apt-get', ['remove', '--yes', 'mesa-vulkan-drivers'], context.scratch, process.env);
    if (removed.status !== 0) throw new Error(`the driver could not be removed: ${removed.output.slice(-2000)}`);
    return runInClone(context);
  },
};

function runInClone({ data, weights, scratch }: Context): Outcome[] {
  const clone = join(scratch, 'clone');
  const root = new URL('../..', import.meta.url).pathname;
  const cloned = run('git', ['clone', '--quiet', root, clone], scratch, process.env);
  if (cloned.status !== 0) throw new Error(`git clone failed: ${cloned.output}`);
  // Neither what this process was told by its own set-up, nor names of data, nor anything cached: a newcomer's machine.
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('DAWNGRAD_'));
  const env = {
    ...Object.fromEntries(others),
    XDG_CACHE_HOME: join(scratch, 'cache'),
    npm_config_cache: join(scratch, 'npm-cache'),
  };
  const newcomer = run('npm', ['run', 'train', '--', '--out', 'newcomer'], clone, env);
  const named = ['--data', data, '--weights', weights, '--epochs', '1', '--out', 'named'];
  const outcomes = [
    outcome('npm run train, nothing named', newcomer),
    outcome(
      'npm run train, data and weights named, one epoch',
      run('npm', ['run', 'train', '--', ...named], clone, env),
    ),
    outcome('npm test', run('npm', ['test'], clone, env)),
  ];
  if (newcomer.status === 0) {
    const { demo = false, bestValAcc } = JSON.parse(readFileSync(join(clone, 'newcomer/summary.json'), 'utf8')) as {
      demo?: boolean;
      bestValAcc: number;
    };
    console.log(
      `  nothing named: trained ${demo ? 'the built-in demo' : 'on the tutorial’s pictures'}, best val accuracy ${bestValAcc.toFixed(4)}`,
    );
    console.log(`  and left ${readdirSync(join(clone, 'newcomer')).join(', ')}`);
    outcomes.push({
      what: 'with nothing named, the output says what was trained',
      figure: demo === /\bdemo\b/i.test(newcomer.output) ? 'it does' : 'it does not',
      bar: 'says demo if it is the demo, and only then',
      holds: demo === /\bdemo\b/i.test(newcomer.output),
    });
  }
  return outcomes;
}

interface Ended {
  readonly status: number | null;
  readonly seconds: number;
  readonly output: string;
}

function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Ended {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 28 });
  return { status, seconds: (performance.now() - started) / 1000, output: `${stderr}\n${stdout}`.trim() };
}

function outcome(what: string, { status, seconds, output }: Ended): Outcome {
  if (status !== 0) {
    const lines = output.split('\n');
    // Names of failing tests stand far above the end.
    const failing = lines.filter((line) => line.includes(' FAIL '));
    console.log(`  ${what}:\n    ${[...new Set(failing), ...lines.slice(-15)].join('\n    ')}`);
  }
  return { what, figure: `exit status ${status}, ${seconds.toFixed(0)} s`, bar: 'exit status 0', holds: status === 0 };
}
