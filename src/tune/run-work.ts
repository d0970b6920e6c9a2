/** Runs any piece of work that has several kernels, on given buffers. */
import type { AdapterTraits, Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import type { TunableWork } from '../kernels/chooser.ts';
import { type Conv2dVariant, conv2dCandidates, conv2dVariants } from '../kernels/conv2d/choose.ts';
import { type Conv2dKernels, conv2dFlops, type DerivedData, weightsOf } from '../kernels/conv2d/shape.ts';
import { type Conv2dWork, isConv2dWork } from '../kernels/conv2d/work.ts';
import {
  isLinearWork,
  type LinearVariant,
  type LinearWork,
  linearCandidates,
  linearVariants,
} from '../kernels/linear/choose.ts';
import { linearFlops } from '../kernels/linear/shape.ts';
import {
  isMatmulWork,
  type MatmulVariant,
  type MatmulWork,
  matmulCandidates,
  matmulVariants,
} from '../kernels/matmul/choose.ts';
import { multiply } from '../kernels/matmul/multiply.ts';
import { outputsOf, productFlops, valuesOf } from '../kernels/matmul/product.ts';
import type { Work } from '../kernels/work.ts';
import type { Candidate } from './measured.ts';

export const isTunable = (work: Work): work is TunableWork =>
  isConv2dWork(work) || isLinearWork(work) || isMatmulWork(work);

/** The variants that an adapter supports, the simplest first. */
export function candidatesOf(work: TunableWork, traits: AdapterTraits): Candidate[] {
  switch (work.kind) {
    case 'conv2d':
      return conv2dCandidates(work, traits);
    case 'linear':
      return linearCandidates(work.pass, work.size, traits);
    case 'matmul':
      return matmulCandidates(work.product, traits);
  }
}

export function flopsOf(work: TunableWork): number {
  switch (work.kind) {
    case 'conv2d':
      return conv2dFlops(work.shape);
    case 'linear':
      return linearFlops(work.size);
    case 'matmul':
      return productFlops(work.product);
  }
}

/**
 * Buffers as large as the input, the output and the weights. They hold values or gradients, depending on the pass. The
 * operands of another product are its input and its weights.
 */
export interface WorkBuffers {
  readonly input: PooledBuffer;
  readonly output: PooledBuffer;
  readonly weight: PooledBuffer;
}

/** The buffers, and the cache of the data that a variant derives from the weights. */
export interface WorkOperands extends WorkBuffers, DerivedData {}

/** Elements of each buffer. */
export function sizesOf(work: TunableWork): Readonly<Record<keyof WorkBuffers, number>> {
  if (work.kind === 'linear') {
    const { rows, inFeatures, outFeatures } = work.size;
    return { input: rows * inFeatures, output: rows * outFeatures, weight: outFeatures * inFeatures };
  }
  if (work.kind === 'matmul') {
    const { product } = work;
    return { input: valuesOf(product, 'a'), output: outputsOf(product), weight: valuesOf(product, 'b') };
  }
  const { shape: s } = work;
  return {
    input: s.batch * s.inChannels * s.inHeight * s.inWidth,
    output: s.batch * s.outChannels * s.outHeight * s.outWidth,
    weight: weightsOf(s),
  };
}

/** Records one run of a variant. It writes one of the three buffers and reads the others. */
export function runWork(gpu: Gpu, work: TunableWork, candidate: Candidate, on: WorkOperands): void {
  if (work.kind === 'conv2d') runConv2d(gpu, work, conv2dVariants[candidate as Conv2dVariant], on);
  else if (work.kind === 'linear') runLinear(gpu, work, candidate as LinearVariant, on);
  else runMatmul(gpu, work, candidate as MatmulVariant, on);
}

function runConv2d(gpu: Gpu, { pass, shape, frozen }: Conv2dWork, kernels: Conv2dKernels, on: WorkOperands): void {
  const { input, output } = on;
  const weight = { buffer: on.weight, frozen, derive: on.derive };
  if (pass === 'forward') kernels.forward(gpu, shape, input, weight, output);
  else if (pass === 'inputGrad') kernels.inputGrad(gpu, shape, output, weight, input);
  else kernels.weightGrad(gpu, shape, input, output, on.weight);
}

function runLinear(gpu: Gpu, { pass, size }: LinearWork, candidate: LinearVariant, on: WorkBuffers): void {
  const kernels = linearVariants[candidate];
  const { weight } = on;
  // A bias costs almost nothing in either.
  if (pass === 'forward') kernels.forward(gpu, size, on.input, weight, undefined, on.output);
  else if (pass === 'inputGrad') kernels.inputGrad(gpu, size, on.output, weight, on.input);
  else kernels.weightGrad(gpu, size, on.input, on.output, weight);
}

function runMatmul(gpu: Gpu, { product, name }: MatmulWork, candidate: MatmulVariant, on: WorkBuffers): void {
  multiply(gpu, matmulVariants[candidate], product, { a: on.input, b: on.weight }, on.output, name);
}
