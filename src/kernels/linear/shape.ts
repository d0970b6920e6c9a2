/** What the variants of the fully connected layer have in common: its size, and the passes that each of them computes. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';

/** input [rows, inFeatures], weight [outFeatures, inFeatures], output [rows, outFeatures]. */
export interface LinearSize {
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Whether input and weight are f16; bias and output are f32. Only forward, and only in one variant. */
  readonly half?: boolean;
}

/** Floating-point operations of one pass, multiply and add counted apart. */
export function linearFlops({ rows, inFeatures, outFeatures }: LinearSize): number {
  return 2 * rows * inFeatures * outFeatures;
}

/** For timings and records: `4x512 -> 2`, and ` f16` after it where it is that. */
export function describeLinear({ rows, inFeatures, outFeatures, half }: LinearSize): string {
  return `${rows}x${inFeatures} -> ${outFeatures}${half ? ' f16' : ''}`;
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
