/** Runs that are ended in every way there is, and go on: they must leave the bytes of an undisturbed run. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Generator } from '../../src/data/index.ts';
import { type Attempt, attempt, differing, finish, type Mode, resultsOf, writePictures } from '../kills/runs.ts';
import type { Context, Outcome, Row } from '../row.ts';

const KILLS = 200;
/** In CI as many as this allows. */
const CI_SECONDS = 90;
const MODES: readonly Mode[] = ['finetune', 'extract'];

/** An undisturbed run of each mode, and how long it takes. */
async function undisturbed(scratch: string, data: string) {
  const runs = new Map<Mode, { readonly results: Record<string, string>; readonly ms: number }>();
  for (const mode of MODES) {
    const folder = join(scratch, `undisturbed-${mode}`);
    // The first compiles the kernels.
    for (let i = 0; i < 2; i++) {
      rmSync(folder, { recursive: true, force: true });
      const { ms, code, stderr } = await attempt({ mode, folder, data });
      if (code !== 0) throw new Error(`the undisturbed run ended with status ${code}: ${stderr}`);
      runs.set(mode, { results: resultsOf(folder), ms });
    }
  }
  return runs;
}

/** Disturbs a run, lets it go on, and returns what is wrong with what it leaves; empty if nothing is. */
async function disturb(one: Attempt, wanted: Record<string, string>): Promise<string> {
  const { mode, folder, data } = one;
  try {
    await attempt(one);
    await finish({ mode, folder, data });
    const files = differing(resultsOf(folder), wanted);
    const left = readdirSync(folder).filter((name) => name.startsWith('.'));
    return [...files.map((name) => `${name} differs`), ...left.map((name) => `${name} is left`)].join(', ');
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const kills: Row = {
  name: 'kills',
  title: `${KILLS} kills -9 at random moments over both modes (in CI, those of ${CI_SECONDS} s), and the run resumed`,
  minutes: 45,
  ci: true,
  alone: true,
  run: async ({ scratch, ci }) => {
    const data = writePictures(join(scratch, 'data'));
    const whole = await undisturbed(scratch, data);
    const random = new Generator(0);
    const started = performance.now();
    // DAWNGRAD_FROM goes on from the n-th kill.
    const from = Number(process.env.DAWNGRAD_FROM ?? 0);
    let [killed, equal] = [0, 0];
    for (let i = 0; i < KILLS; i++) {
      const mode = MODES[i % 2]!;
      const { results, ms } = whole.get(mode)!;
      const after = random.rand() * ms;
      if (i < from) continue;
      if (ci && performance.now() - started > CI_SECONDS * 1000) break;
      const wrong = await disturb(
        { mode, data, folder: join(scratch, `run-${i}`), signal: { name: 'SIGKILL', after } },
        results,
      );
      killed++;
      if (wrong) console.log(`  kill ${i} of ${mode} after ${after.toFixed(0)} ms: ${wrong}`);
      else equal++;
      if (killed % 20 === 0) console.log(`  ${killed} kills, ${equal} equal`);
    }
    return [
      {
        what: 'best, last and metrics after a kill equal to those of the undisturbed run, times apart',
        figure: `${equal} of ${killed}`,
        bar: `all of ${ci ? 'them' : KILLS - from}`,
        holds: equal === killed && killed >= (ci ? 1 : KILLS - from),
      },
    ];
  },
};

/** Ways to end a run, each as a title and the environments or signals that do it. */
interface Fault {
  readonly name: string;
  readonly attempts: readonly Pick<Attempt, 'env' | 'signal'>[];
}

async function faultsOf({ scratch, ci }: Pick<Context, 'scratch' | 'ci'>, data: string, ms: number): Promise<Fault[]> {
  const prefix = join(scratch, 'counts');
  const folder = join(scratch, 'counted');
  await attempt({ mode: 'finetune', folder, data, env: { DAWNGRAD_FAULT: `count::${prefix}` } });
  rmSync(folder, { recursive: true, force: true });
  const points = (['main', 'thread'] as const).flatMap((thread) => {
    const file = `${prefix}-${thread}.json`;
    if (!existsSync(file)) throw new Error(`no calls of the ${thread} were counted`);
    const { changes, writes } = JSON.parse(readFileSync(file, 'utf8')) as { changes: number; writes: number };
    return [
      { kind: 'kill', thread, count: changes },
      { kind: 'full', thread, count: writes },
    ];
  });
  const every = (count: number) => {
    const step = ci ? Math.ceil(count / 3) : 1;
    return Array.from({ length: Math.ceil(count / step) }, (_, i) => 1 + i * step);
  };
  return [
    ...points.map(({ kind, thread, count }) => ({
      name: `${kind === 'kill' ? 'killed before a call that changes a file' : 'disk full from a write on'}, ${thread} thread`,
      attempts: every(count).map((at) => ({ env: { DAWNGRAD_FAULT: `${kind}:${thread}:${at}` } })),
    })),
    {
      name: 'device lost at a step',
      attempts: every(18).map((at) => ({ env: { LOSE_AT: String(at) } })),
    },
    ...(['SIGINT', 'SIGTERM'] as const).map((name) => ({
      name,
      attempts: every(9).map((at) => ({ signal: { name, after: (ms * at) / 10 } })),
    })),
  ];
}

export const faultPoints: Row = {
  name: 'fault-points',
  title: 'a run ended at every write, rename and fsync, by a full disk, a lost device and signals, and resumed',
  minutes: 45,
  ci: true,
  alone: true,
  run: async ({ scratch, ci }) => {
    const data = writePictures(join(scratch, 'data'));
    const { results, ms } = (await undisturbed(scratch, data)).get('finetune')!;
    const outcomes: Outcome[] = [];
    for (const { name, attempts } of await faultsOf({ scratch, ci }, data, ms)) {
      let equal = 0;
      for (const [i, one] of attempts.entries()) {
        const wrong = await disturb({ mode: 'finetune', data, folder: join(scratch, `fault-${i}`), ...one }, results);
        if (wrong) console.log(`  ${name}, ${JSON.stringify(one.env ?? one.signal)}: ${wrong}`);
        else equal++;
      }
      const figure = `${equal} of ${attempts.length}`;
      outcomes.push({ what: `${name}: equal after resuming`, figure, bar: 'all', holds: equal === attempts.length });
      console.log(`  ${name}: ${figure}`);
    }
    return outcomes;
  },
};
