/** The built-in demo as a newcomer meets it: nothing cached, neither pictures nor shaders, and the real command. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context, Outcome, Row } from '../row.ts';
import { atMost } from '../row.ts';

const SEEDS = [0, 1, 2];
const MOST_SECONDS = 180;
const LEAST_ACCURACY = 0.9;

export const demo: Row = {
  name: 'demo',
  title: 'the built-in demo, seeds 0, 1 and 2, on the software adapter with empty caches (keep the machine quiet)',
  minutes: 8,
  // Its bar is wall time, which means little on a machine that CI shares.
  ci: false,
  run: async (context) => {
    const outcomes: Outcome[] = [];
    for (const seed of SEEDS) outcomes.push(...(await runDemo(context, seed)));
    return outcomes;
  },
};

async function runDemo({ scratch }: Context, seed: number): Promise<Outcome[]> {
  const out = join(scratch, `seed${seed}`);
  const caches = { pictures: join(scratch, `cache${seed}`), shaders: join(scratch, `shaders${seed}`) };
  mkdirSync(caches.shaders);
  const started = performance.now();
  const text = await run(['--demo', '--seed', `${seed}`, '--adapter', 'software', '--out', out], {
    ...process.env,
    DAWNGRAD_CACHE: caches.pictures,
    // Mesa's, under its older and its newer name.
    MESA_SHADER_CACHE_DIR: caches.shaders,
    MESA_GLSL_CACHE_DIR: caches.shaders,
  });
  const seconds = (performance.now() - started) / 1000;
  const read = (name: string) => JSON.parse(readFileSync(join(out, name), 'utf8')) as Record<string, unknown>;
  const [config, summary] = [read('config.json'), read('summary.json')];
  const accuracy = summary.bestValAcc as number;
  const saidBy = {
    'the output': /\bdemo\b/i.test(text),
    'config.json': config.demo === true,
    'summary.json': summary.demo === true,
  };
  const silent = Object.entries(saidBy).flatMap(([what, says]) => (says ? [] : [what]));
  return [
    {
      what: `seed ${seed}, best val accuracy`,
      figure: accuracy.toFixed(4),
      bar: `at least ${LEAST_ACCURACY}`,
      holds: accuracy >= LEAST_ACCURACY,
    },
    atMost(`seed ${seed}, start-up and drawing included`, seconds, MOST_SECONDS, (value) => `${value.toFixed(1)} s`),
    {
      what: `seed ${seed}, that it is the demo`,
      figure: silent.length === 0 ? 'said by all' : `not said by ${silent.join(', ')}`,
      bar: `said by ${Object.keys(saidBy).join(', ')}`,
      holds: silent.length === 0,
    },
  ];
}

/** @returns what it printed, stdout and stderr */
async function run(flags: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const script = new URL('../../src/cli/train.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...flags], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  child.stdout.on('data', (part: string) => {
    for (const line of part.split('\n')) if (/^(train|val) Loss/.test(line)) console.log(`  ${line}`);
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`train ${flags.join(' ')} ended with status ${status}:\n${text.slice(-4000)}`);
  return text;
}
