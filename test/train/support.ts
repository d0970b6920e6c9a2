/** Shared by the tests of training: a small folder of pictures, settings for runs, and the command as a program. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll } from 'vitest';
import { Generator } from '../../src/data/index.ts';
import type { TrainOptions } from '../../src/train/index.ts';

/** Makes a temporary folder. It is removed after the file's last test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dawngrad-train-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const CLASSES = ['discs', 'stripes'] as const;
export const COUNTS = { train: 6, val: 4 } as const;

/**
 * Makes `root/{train,val}/{discs,stripes}` with discs or stripes in random colours, 40 to 64 pixels a side. The same
 * seed gives the same pixels. Each class has 6 pictures for training and 4 for validation.
 */
export async function drawPictures(root: string, seed = 1): Promise<string> {
  const random = new Generator(seed);
  for (const phase of ['train', 'val'] as const) {
    for (const name of CLASSES) {
      const folder = join(root, phase, name);
      mkdirSync(folder, { recursive: true });
      for (let i = 0; i < COUNTS[phase]; i++) await drawPicture(join(folder, `${i}.png`), name, random);
    }
  }
  return root;
}

async function drawPicture(path: string, kind: (typeof CLASSES)[number], random: Generator): Promise<void> {
  const width = 40 + random.randint(25);
  const height = 40 + random.randint(25);
  const colour = () => [random.randint(256), random.randint(256), random.randint(256)] as const;
  const [inside, outside] = [colour(), colour()];
  const radius = 8 + random.randint(12);
  const pitch = 3 + random.randint(6);
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const hit = kind === 'discs' ? Math.hypot(x - width / 2, y - height / 2) < radius : (x + y) % (2 * pitch) < pitch;
      pixels.set(hit ? inside : outside, (y * width + x) * 3);
    }
  }
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
}

/**
 * Milliseconds for a test that trains. It takes seconds. But if the driver's cache is empty, the software adapter first
 * compiles some forty shaders, for seconds each. A test that times out keeps running and disturbs the next one.
 */
export const TRAINING_TIMEOUT = 600_000;

/** Small enough that a run takes seconds on a CPU. */
export const TINY = { imageSize: 32, epochs: 2, workers: 2, threads: 1 } satisfies Partial<TrainOptions>;

export function readJson<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(...path), 'utf8')) as T;
}

export function readJsonLines<T>(...path: string[]): T[] {
  const text = readFileSync(join(...path), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const COMMAND = fileURLToPath(new URL('../../src/cli/train.ts', import.meta.url));

/**
 * Runs the train command as a separate program.
 * @param onStderr called with all stderr output so far, and a function to send a signal
 * @param more variables added to this process's own, without DAWNGRAD_DATA and DAWNGRAD_WEIGHTS
 */
export function runCommand(
  args: readonly string[],
  onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void,
  more: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const { DAWNGRAD_DATA: _data, DAWNGRAD_WEIGHTS: _weights, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', COMMAND, ...args], { env: { ...env, ...more } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onStderr?.(stderr, (signal) => child.kill(signal));
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
