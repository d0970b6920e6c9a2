/** Passes tensors to the Python scripts and back as safetensors files, and measures differences. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readSafetensors, type TensorData, writeSafetensors } from '../src/weights/index.ts';
import { ROOT } from './processes.ts';
import type { Context } from './row.ts';

/** Runs verify/python/NAME with `inputs` as a safetensors file. @returns the tensors and metadata that it wrote */
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

/** Runs a Python script to its end; `name` is its path in this checkout. @throws Error with its messages if it fails */
export function runScript({ python }: Context, name: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(python, [join(ROOT, name), ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} ended with status ${status}:\n${stderr}`);
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
