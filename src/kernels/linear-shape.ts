/** What the variants of the fully connected layer have in common: its size, and the passes that each of them computes. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';

/** input [rows, inFeatures], weight [outFeatures, inFeatures], output [rows, outFeatures]. */
export interface LinearSize {
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** Floating-point operations of one pass, multiply and add counted apart. */
export function linearFlops({ rows, inFeatures, outFeatures }: LinearSize): number {
  return 2 * rows * inFeatures * outFeatures;
}

/** For timings and records: `4x512 -> 2`. */
export function describeLinear({ rows, inFeatures, outFeatures }: LinearSize): string {
  return `${rows}x${inFeatures} -> ${outFeatures}`;
}

/** One variant of the three passes; each writes all of its last buffer. */
export interface LinearKernels {
  /** output = input · weightᵀ, plus bias [outFeatures] where it is given. */
  forward(
    gpu: Gpu,
    size: LinearSize,
    input: PooledBuffer,
    weight: PooledBuffer,
    bias: PooledBuffer | undefined,
    output: PooledBuffer,
  ): void;
  /** inputGrad [rows, inFeatures] = outputGrad · weight. */
  inputGrad(gpu: Gpu, size: LinearSize, outputGrad: PooledBuffer, weight: PooledBuffer, target: PooledBuffer): void;
  /** weightGrad [outFeatures, inFeatures] = outputGradᵀ · input. */
  weightGrad(gpu: Gpu, size: LinearSize, input: PooledBuffer, outputGrad: PooledBuffer, target: PooledBuffer): void;
}
