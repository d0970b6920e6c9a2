/** Golden files for the tests of src/nn. */
import { readFileSync } from 'node:fs';
import { Tensor } from '../../src/autograd/tensor.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';

/** A tensor in a golden file. */
export interface Dense {
  readonly shape: number[];
  readonly data: number[];
}

/** Reads test/golden/nn/<name>.json, written by make-golden.py. */
export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/nn/${name}.json`, import.meta.url), 'utf8'));
}

export function upload(gpu: Gpu, { shape, data }: Dense): Tensor {
  return Tensor.from(gpu, Float32Array.from(data), shape);
}

/** Converts entries of a golden file to a state dict on the host. */
export function hostEntries(state: Record<string, Dense>) {
  return new Map(
    Object.entries(state).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  );
}
