/** The built-in demo for a new user: the real command, with no pictures or shaders cached. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand, shaderCache } from '../processes.ts';
import { atLeast, atMost, type Context, either, fourDigits, type Outcome, type Row, seconds } from '../row.ts';

const SEEDS = [0, 1, 2];
const MOST_SECONDS = 180;
const LEAST_ACCURACY = 0.9;

export const demo: Row = {
  name: 'demo',
  title: 'the built-in demo, seeds 0, 1 and 2, on the software adapter with empty caches (keep the machine quiet)',
  minutes: 8,
  // Its bar is wall time, which means little on a shared CI machine.
  ci: false,
  run: async (context) => {
    const outcomes: Outcome[] = [];
    for (const seed of SEEDS) outcomes.push(...(await runDemo(context, seed)));
    return outcomes;
  },
};

async function runDemo({ scratch }: Context, seed: number): Promise<Outcome[]> {
  const out = join(scratch, `seed${seed}`);
  const caches = { DAWNGRAD_CACHE: join(scratch, `cache${seed}`), ...shaderCache(join(scratch, `shaders${seed}`)) };
  const ended = await runCommand('train', ['--demo', '--seed', `${seed}`, '--adapter', 'software', '--out', out], {
    env: { ...process.env, ...caches },
    onLine: (line) => {
      if (/^(train|val) Loss/.test(line)) console.log(`  ${line}`);
    },
  });
  const read = (name: string) => JSON.parse(readFileSync(join(out, name), 'utf8')) as Record<string, unknown>;
  const [config, summary] = [read('config.json'), read('summary.json')];
  const named = {
    'the output': /\bdemo\b/i.test(ended.output),
    'config.json': config.demo === true,
    'summary.json': summary.demo === true,
  };
  const silent = Object.entries(named).flatMap(([what, names]) => (names ? [] : [what]));
  const by = Object.keys(named).join(', ');
  return [
    atLeast(`seed ${seed}, best val accuracy`, summary.bestValAcc as number, LEAST_ACCURACY, fourDigits),
    atMost(`seed ${seed}, including start-up and drawing`, ended.seconds, MOST_SECONDS, seconds),
    either(`seed ${seed}, the demo is named`, silent.length === 0, `by ${by}`, `not by ${silent.join(', ')}`),
  ];
}
