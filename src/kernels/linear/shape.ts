/** The size of a fully connected layer, and the passes that each variant computes. */
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

/** Returns the floating-point operations of one pass; a multiply-add counts as two. */
export function linearFlops({ rows, inFeatures, outFeatures }: LinearSize): number {
  return 2 * rows * inFeatures * outFeatures;
}

/** Describes a size for timings and records: `4x512 -> 2`, followed by ` f16` for f16. */
export function describeLinear({ rows, inFeatures, outFeatures, half }: LinearSize): string {
  return `${rows}x${inFeatures} -> ${outFeatures}${half ? ' f16' : ''}`;
}

/** One variant of the three passes; each pass writes all of its last buffer. */
export interface LinearKernels {
  /** output = input · weightᵀ, plus bias [outFeatures] if given. */
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
