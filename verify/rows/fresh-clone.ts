/** A fresh clone with nothing installed: both commands do their own set-up, with the machine's driver and without. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, ROOT, run } from '../processes.ts';
import { type Context, either, type Outcome, type Row } from '../row.ts';

export const freshClone: Row = {
  name: 'fresh-clone',
  title: '`npm run train` and `npm test` in a fresh clone of the last commit, with its own empty caches',
  minutes: 15,
  ci: false,
  run: async (context) => runInClone(context),
};

/** A user sets it to allow the removal of the driver, which the set-up installs again. */
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
    const removed = await run('apt-get', ['remove', '--yes', 'mesa-vulkan-drivers']);
    if (removed.status !== 0) throw new Error(`apt-get could not remove the driver: ${removed.output.slice(-2000)}`);
    return runInClone(context);
  },
};

async function runInClone({ data, weights, scratch }: Context): Promise<Outcome[]> {
  const clone = join(scratch, 'clone');
  const cloned = await run('git', ['clone', '--quiet', ROOT, clone]);
  if (cloned.status !== 0) throw new Error(`git clone failed: ${cloned.output}`);
  // Like a new user's machine: no variables of this process's set-up, no paths of data and no caches.
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('DAWNGRAD_'));
  const env = {
    ...Object.fromEntries(others),
    XDG_CACHE_HOME: join(scratch, 'cache'),
    npm_config_cache: join(scratch, 'npm-cache'),
  };
  const npm = (...args: string[]) => run('npm', args, { cwd: clone, env });
  const newcomer = await npm('run', 'train', '--', '--out', 'newcomer');
  const flags = ['--data', data, '--weights', weights, '--epochs', '1', '--out', 'named'];
  const outcomes = [
    outcome('npm run train without flags', newcomer),
    outcome('npm run train with data and weights, one epoch', await npm('run', 'train', '--', ...flags)),
    outcome('npm test', await npm('test')),
  ];
  if (newcomer.status === 0) {
    const { demo = false, bestValAcc } = JSON.parse(readFileSync(join(clone, 'newcomer/summary.json'), 'utf8')) as {
      demo?: boolean;
      bestValAcc: number;
    };
    const trained = demo ? 'the built-in demo' : 'the tutorial’s pictures';
    console.log(`  without flags: trained on ${trained}, best val accuracy ${bestValAcc.toFixed(4)}`);
    console.log(`  its folder holds ${readdirSync(join(clone, 'newcomer')).join(', ')}`);
    const named = demo === /\bdemo\b/i.test(newcomer.output);
    outcomes.push(either('without flags, the output names the demo only if it is one', named, 'yes', 'no'));
  }
  return outcomes;
}

function outcome(what: string, { status, seconds, output }: Ended): Outcome {
  if (status !== 0) {
    const lines = output.split('\n');
    // The names of failing tests are far above the end.
    const failing = lines.filter((line) => line.includes(' FAIL '));
    console.log(`  ${what}:\n    ${[...new Set(failing), ...lines.slice(-15)].join('\n    ')}`);
  }
  return { what, figure: `exit status ${status}, ${seconds.toFixed(0)} s`, bar: 'exit status 0', holds: status === 0 };
}
