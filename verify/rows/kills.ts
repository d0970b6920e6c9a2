/** Runs that are ended in every way there is, and go on: they must leave the bytes of an undisturbed run. */
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Generator } from '../../src/data/index.ts';
import {
  type Attempt,
  attempt,
  differing,
  type Ended,
  finish,
  type Mode,
  makeFolder,
  resultsOf,
  writePictures,
} from '../kills/runs.ts';
import type { Context, Outcome, Row } from '../row.ts';

const KILLS = 200;
/** In CI as many as this allows. */
const CI_SECONDS = 90;
const MODES: readonly Mode[] = ['finetune', 'extract'];
/** What a process is told that comes second. */
const REFUSED = /is training here|already holds a run|the run has ended after its/;

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

/** A way to end a run. */
interface Fault extends Pick<Attempt, 'env' | 'signal' | 'plainUser'> {
  /** Two processes, started at the same moment in one folder: one must be refused. */
  readonly twice?: boolean;
  /** What the errors of the process must say. */
  readonly says?: RegExp;
}

type Place = Omit<Attempt, keyof Fault>;

/** Kills a run. One that had ended by then is run anew, and killed in half the time. */
async function killed(place: Place, { signal, ...fault }: Pick<Fault, 'env' | 'signal'>): Promise<Ended> {
  const ended = await attempt({ ...place, ...fault, ...(signal && { signal }) });
  if (ended.code !== 0 || !signal) return ended;
  rmSync(place.folder, { recursive: true, force: true });
  return killed(place, { ...fault, signal: { ...signal, after: signal.after / 2 } });
}

/** Disturbs a run, lets it go on, and returns what is wrong with what it leaves; empty if nothing is. */
async function disturb(place: Place, { twice, says, ...fault }: Fault, wanted: Record<string, string>) {
  const { folder } = place;
  const { plainUser = false } = fault;
  try {
    if (plainUser) makeFolder(folder);
    const ended = await (twice ? killed(place, fault) : attempt({ ...place, ...fault }));
    if (says && !says.test(ended.stderr)) return `its errors say ${ended.stderr.slice(-500)}`;
    if (twice) {
      const both = await Promise.all([attempt(place), attempt(place)]);
      const refused = both.filter(({ code, stderr }) => code === 1 && REFUSED.test(stderr)).length;
      if (refused !== 1 || !both.some(({ code }) => code === 0))
        return `of two, ${refused} were refused: ${both.map(({ stderr }) => stderr.slice(-500)).join(', ')}`;
    }
    if (plainUser) chmodSync(folder, 0o755);
    await finish({ ...place, plainUser });
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
      const place = { mode, data, folder: join(scratch, `run-${i}`) };
      const wrong = await disturb(place, { signal: { name: 'SIGKILL', after } }, results);
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

/** Faults of one kind. */
interface Kind {
  readonly name: string;
  /** The mode of the run; fine-tuning by default. */
  readonly mode?: Mode;
  readonly faults: readonly Fault[];
}

/** Its state is the smaller one. The calls of the file system are the same. */
const FILES: Mode = 'extract';

async function kindsOf({ scratch, ci }: Pick<Context, 'scratch' | 'ci'>, data: string, ms: number): Promise<Kind[]> {
  const prefix = join(scratch, 'counts');
  const folder = join(scratch, 'counted');
  await attempt({ mode: FILES, folder, data, env: { DAWNGRAD_FAULT: `count::${prefix}` } });
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
      mode: FILES,
      name: `${kind === 'kill' ? 'killed before a call that changes a file' : 'disk full from a write on'}, ${thread} thread`,
      faults: every(count).map((at) => ({ env: { DAWNGRAD_FAULT: `${kind}:${thread}:${at}` } })),
    })),
    {
      name: 'device lost at a step',
      faults: every(18).map((at) => ({ env: { LOSE_AT: String(at) } })),
    },
    {
      name: 'the folder read-only from a step on, as a plain user',
      faults: every(6).map((at) => ({
        env: { READ_ONLY_AT: String(at) },
        plainUser: true,
        says: /you have no right to write in its folder|EACCES: permission denied/,
      })),
    },
    {
      name: 'killed, then resumed by two processes at once',
      faults: every(9).map((at) => ({ signal: { name: 'SIGKILL' as const, after: (ms * at) / 10 }, twice: true })),
    },
    ...(['SIGINT', 'SIGTERM'] as const).map((name) => ({
      name,
      faults: every(9).map((at) => ({ signal: { name, after: (ms * at) / 10 } })),
    })),
  ];
}

export const faultPoints: Row = {
  name: 'fault-points',
  title:
    'a run ended at every write, rename and fsync, by a full disk, a lost device, a read-only folder, a second process and signals, and resumed',
  minutes: 45,
  ci: true,
  alone: true,
  run: async ({ scratch, ci }) => {
    const data = writePictures(join(scratch, 'data'));
    const whole = await undisturbed(scratch, data);
    const outcomes: Outcome[] = [];
    for (const { name, mode = 'finetune', faults } of await kindsOf({ scratch, ci }, data, whole.get('finetune')!.ms)) {
      let equal = 0;
      for (const [i, fault] of faults.entries()) {
        const place = { mode, data, folder: join(scratch, `fault-${i}`) };
        const wrong = await disturb(place, fault, whole.get(mode)!.results);
        if (wrong) console.log(`  ${name}, ${JSON.stringify(fault.env ?? fault.signal)}: ${wrong}`);
        else equal++;
      }
      const figure = `${equal} of ${faults.length}`;
      outcomes.push({ what: `${name}: equal after resuming`, figure, bar: 'all', holds: equal === faults.length });
      console.log(`  ${name}: ${figure}`);
    }
    return outcomes;
  },
};
