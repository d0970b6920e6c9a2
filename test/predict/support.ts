/** Shared by the tests of prediction: small networks on disk, pictures, and the command in this or its own process. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll } from 'vitest';
import { main } from '../../src/cli/predict.ts';
import type { Io } from '../../src/cli/program.ts';
import { Generator } from '../../src/data/index.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { resnet18 } from '../../src/models/index.ts';
import { type TensorData, writeSafetensors } from '../../src/weights/index.ts';

/** Side of the networks' square input. Small, so a prediction takes a moment. */
export const SIZE = 32;

/** Makes a temporary folder. It is removed after the file's last test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dawngrad-predict-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a PNG of random pixels, not square. Equal seeds give equal pixels. Makes its folder. @returns the path */
export async function drawPicture(path: string, seed: number): Promise<string> {
  const random = new Generator(seed);
  const [width, height] = [40 + random.randint(20), 36 + random.randint(20)];
  // A few large patches, so pictures still differ when they are resized.
  const [columns, rows] = [4, 3];
  const pixels = Uint8Array.from({ length: columns * rows * 3 }, () => random.randint(256));
  mkdirSync(dirname(path), { recursive: true });
  await sharp(pixels, { raw: { width: columns, height: rows, channels: 3 } })
    .resize(width, height, { kernel: 'nearest', fit: 'fill' })
    .png()
    .toFile(path);
  return path;
}

/** Writes a file that is no picture, under any name. Makes its folder. @returns the path */
export function writeBroken(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'no picture');
  return path;
}

/** The entries of a resnet18 with random weights. Its scores differ, but not so much that one class always wins. */
export function randomState(gpu: Gpu, classes: number): Map<string, TensorData> {
  const model = resnet18(gpu, { classes, init: 'skip' });
  const random = fastRandom(7);
  const state = new Map<string, TensorData>();
  for (const [name, { shape }] of model.stateDict()) {
    const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    if (shape.length === 4) {
      // Every layer's outputs are about as large as its inputs.
      const bound = Math.sqrt(6 / (shape[1]! * shape[2]! * shape[3]!));
      for (let i = 0; i < data.length; i++) data[i] = (2 * random() - 1) * bound;
    } else if (name === 'fc.weight') {
      for (let i = 0; i < data.length; i++) data[i] = (2 * random() - 1) * HEAD_BOUND;
    } else if (/(bn\d|downsample\.1)\.weight$|running_var$/.test(name)) data.fill(1);
    state.set(name, { shape, data });
  }
  model.dispose();
  return state;
}

const HEAD_BOUND = 0.02;

/** Values from 0 to 1 by Marsaglia's xorshift: drawing eleven million as torch does takes seconds. */
function fastRandom(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** @returns the path */
export function writeNet(
  path: string,
  tensors: Map<string, TensorData>,
  metadata: Record<string, string> = {},
): string {
  writeSafetensors(path, { tensors, metadata });
  return path;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `predict` in this process. `onRow` is called at each write to stdout. */
export function call(args: readonly string[], env: NodeJS.ProcessEnv = {}, onRow?: () => void): Promise<Ended> {
  return callMain(main, args, env, onRow);
}

/** The same for another command. */
export async function callMain(
  main: (argv: readonly string[], io: Io) => Promise<number>,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  onRow: () => void = () => {},
): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  const code = await main(args, {
    stdout: {
      write: (text) => {
        stdout += text;
        onRow();
      },
    },
    stderr: { write: (text) => (stderr += text) },
    env,
  });
  return { code, stdout, stderr };
}

export const COMMAND = fileURLToPath(new URL('../../src/cli/predict.ts', import.meta.url));

/**
 * Runs the command as a separate program.
 * @param onOutput called after each part of the output, with all output so far and a function to send a signal
 * @param variables set in its environment
 */
export function runCommand(
  args: readonly string[],
  onOutput?: (soFar: { stdout: string; stderr: string }, kill: (signal: NodeJS.Signals) => void) => void,
  variables: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const { DAWNGRAD_WEIGHTS: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', COMMAND, ...args], { env: { ...env, ...variables } });
  const soFar = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      soFar[name] += text;
      onOutput?.(soFar, (signal) => child.kill(signal));
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...soFar }));
  });
}
