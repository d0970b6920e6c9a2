/** Passing tensors to the Python scripts and back: safetensors files, which the package itself reads and writes. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DataLoader, type Generator, ImageFolder, TRAIN_TRANSFORM } from '../src/data/index.ts';
import { readSafetensors, type TensorData, writeSafetensors } from '../src/weights/index.ts';
import type { Context } from './row.ts';

/** Runs verify/python/NAME with `inputs` as a safetensors file; returns the tensors and texts that it wrote. */
export function runPython(
  context: Context,
  name: string,
  inputs: Map<string, TensorData>,
  args: readonly string[] = [],
): { tensors: Map<string, TensorData>; metadata: Record<string, string> } {
  const input = join(context.scratch, `${name}.in.safetensors`);
  const output = join(context.scratch, `${name}.out.safetensors`);
  writeSafetensors(input, { tensors: inputs, metadata: {} });
  runScript(context, `verify/python/${name}`, [input, output, ...args]);
  return readSafetensors(output);
}

/** Runs a Python script of the repository, named from its root, to its end; throws what it printed where it fails. */
export function runScript({ python }: Context, name: string, args: readonly string[]): void {
  const script = new URL(`../${name}`, import.meta.url).pathname;
  const { status, stderr } = spawnSync(python, [script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} ended with status ${status}:\n${stderr}`);
}

export interface HostBatch {
  readonly images: Float32Array<ArrayBuffer>;
  readonly labels: Uint32Array<ArrayBuffer>;
  readonly size: number;
}

/** The first `count` train batches of 4 that `generator` gives with `--workers 2`. */
export async function firstTrainBatches(context: Context, count: number, generator: Generator): Promise<HostBatch[]> {
  const loader = new DataLoader(new ImageFolder(join(context.data, 'train')), {
    batchSize: 4,
    shuffle: true,
    transform: TRAIN_TRANSFORM,
    generator,
    workers: 2,
  });
  const batches: HostBatch[] = [];
  for await (const batch of loader) {
    batches.push({ images: batch.images.slice(), labels: Uint32Array.from(batch.labels), size: batch.size });
    if (batches.length === count) break;
  }
  await loader.close();
  return batches;
}

/** ‖a − b‖ / ‖b‖ in float64. */
export function relativeL2(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}

/** The largest |a − b|. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < b.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
