/** Starts the small run, ends it in some way, lets it go on, and compares what it leaves with an undisturbed run. */
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Generator } from '../../src/data/index.ts';
import type { Phase } from '../../src/models/types.ts';
import type { PhaseMetrics } from '../../src/train/index.ts';
import { readCheckpoint } from '../../src/weights/index.ts';
import { ROOT } from '../processes.ts';
import { PICTURES } from './settings.ts';

export type Mode = 'finetune' | 'extract';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Draws the pictures: noise over a brightness that tells the classes apart. */
export function writePictures(root: string, counts: Readonly<Record<Phase, number>> = PICTURES): string {
  const random = new Generator(1);
  for (const phase of ['train', 'val'] as const) {
    for (const [label, name] of ['dark', 'light'].entries()) {
      const folder = join(root, phase, name);
      mkdirSync(folder, { recursive: true });
      for (let i = 0; i < counts[phase]; i++) {
        const pixels = Uint8Array.from({ length: 40 * 36 * 3 }, () => 60 * label + random.randint(190));
        writeFileSync(join(folder, `${i}.ppm`), Buffer.concat([Buffer.from('P6\n40 36\n255\n'), pixels]));
      }
    }
  }
  return root;
}

/** Who runs what root may not run: the user of that name, on Linux. */
const NOBODY = process.getuid?.() === 0 ? 65_534 : undefined;

/** For compiled kernels: the folder of root's is closed to others. */
const cacheBeside = (folder: string) => join(dirname(folder), 'cache');

/** Makes the run folder of a plain user. */
export function makeFolder(folder: string): void {
  for (const path of [folder, cacheBeside(folder)]) {
    mkdirSync(path, { recursive: true });
    if (NOBODY !== undefined) chownSync(path, NOBODY, NOBODY);
  }
  chmodSync(dirname(folder), 0o755);
}

export interface Attempt {
  readonly mode: Mode;
  readonly folder: string;
  readonly data: string;
  /** Variables of its environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Sent after so many milliseconds. */
  readonly signal?: { readonly name: NodeJS.Signals; readonly after: number };
  /** Whether not to run as root, who may write everywhere. */
  readonly plainUser?: boolean;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly ms: number;
}

/** Runs one process to its end. */
export function attempt({ mode, folder, data, env = {}, signal, plainUser }: Attempt): Promise<Ended> {
  const preload = env.DAWNGRAD_FAULT ? ['--import', path('../../test/support/faults.mjs')] : [];
  const args = ['--import', 'tsx', ...preload, path('child.ts'), mode, folder, data];
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: {
      ...process.env,
      DAWNGRAD_FAULT_FOLDER: folder,
      ...(plainUser && { XDG_CACHE_HOME: cacheBeside(folder) }),
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(plainUser && NOBODY !== undefined && { uid: NOBODY, gid: NOBODY }),
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const timer = signal && setTimeout(() => child.kill(signal.name), signal.after);
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, by) => {
      clearTimeout(timer);
      resolve({ code, signal: by, stderr, ms: performance.now() - started });
    });
  });
}

/** Lets the run go on to its end. @throws Error if it does not get there */
export async function finish(one: Omit<Attempt, 'env' | 'signal'>): Promise<void> {
  const { code, stderr } = await attempt(one);
  // A fault may come after the end.
  if (code !== 0 && !stderr.includes('the run has ended after its'))
    throw new Error(`resuming ended with status ${code}: ${stderr.slice(-500)}`);
}

/** What a run leaves, times and starts apart: texts to compare. */
export function resultsOf(folder: string): Record<string, string> {
  const rows = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  const metrics = rows.map((row) => {
    const { seconds: _, imagesPerSecond: __, ...rest } = JSON.parse(row) as PhaseMetrics;
    return JSON.stringify(rest);
  });
  const { tensors, metadata } = readCheckpoint(join(folder, 'last.safetensors'));
  const saved = JSON.parse(metadata['dawngrad.training']!);
  const { seconds: _, segments: __, metrics: ___, ...extra } = saved.extra;
  const values = [...tensors].map(([name, { data }]) => {
    return `${name} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')}`;
  });
  return {
    'best.safetensors': readFileSync(join(folder, 'best.safetensors')).toString('base64'),
    'metrics.jsonl': metrics.join('\n'),
    'last.safetensors': [JSON.stringify({ ...saved, extra }), metadata.best, ...values].join('\n'),
  };
}

/** The files that differ from an undisturbed run's. */
export function differing(found: Record<string, string>, wanted: Record<string, string>): string[] {
  return Object.keys(wanted).filter((name) => found[name] !== wanted[name]);
}
