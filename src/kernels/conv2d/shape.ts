/** The shape of a 2d convolution, and the three passes that each variant computes. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { Pooled, PooledBuffer } from '../../gpu/pool.ts';
import type { Normalisation } from './normalised.ts';

/** Everything that the kernels of a 2d convolution, and the choice among them, depend on. */
export interface Conv2dShape {
  readonly batch: number;
  readonly inChannels: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly paddingHeight: number;
  readonly paddingWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  /** Whether input, weights and output are f16. Only forward, and only in some variants. */
  readonly half?: boolean;
  /**
   * Groups of input and output channels; each output channel reads only its group's input channels. Divides both
   * channel counts. Default 1.
   */
  readonly groups?: number;
  /** Pixels from one tap to the next. Default 1. */
  readonly dilationHeight?: number;
  readonly dilationWidth?: number;
}

/** Returns the outputs along one axis; 0 or less if the kernel does not fit. */
export function convolvedExtent(extent: number, kernel: number, stride: number, padding: number, dilation = 1): number {
  return Math.floor((extent + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** Returns whether every output channel reads all input channels, and taps are adjacent. */
export function isPlain({ groups = 1, dilationHeight = 1, dilationWidth = 1 }: Conv2dShape): boolean {
  return groups === 1 && dilationHeight === 1 && dilationWidth === 1;
}

/** Returns the number of weights: [outChannels, inChannels / groups, kernelHeight, kernelWidth]. */
export function weightsOf({ outChannels, inChannels, kernelHeight, kernelWidth, groups = 1 }: Conv2dShape): number {
  return outChannels * (inChannels / groups) * kernelHeight * kernelWidth;
}

/** Returns the floating-point operations of one pass: forward or either gradient. A multiply-add counts as two. */
export function conv2dFlops(s: Conv2dShape): number {
  return 2 * s.batch * s.outHeight * s.outWidth * weightsOf(s);
}

/**
 * Describes a shape for timings and records: `4x64x56x56 -> 64, 3x3 /1 +1`, followed by ` groups 2`, ` dilation 2` or
 * ` f16` where they apply.
 */
export function describeConv2d(s: Conv2dShape): string {
  const { groups = 1, dilationHeight = 1, dilationWidth = 1 } = s;
  const pair = (a: number, b: number) => (a === b ? `${a}` : `${a}x${b}`);
  const dilation = pair(dilationHeight, dilationWidth);
  return (
    `${s.batch}x${s.inChannels}x${s.inHeight}x${s.inWidth} -> ${s.outChannels}, ${s.kernelHeight}x${s.kernelWidth}` +
    ` /${pair(s.strideHeight, s.strideWidth)} +${pair(s.paddingHeight, s.paddingWidth)}` +
    `${groups === 1 ? '' : ` groups ${groups}`}${dilation === '1' ? '' : ` dilation ${dilation}`}` +
    `${s.half ? ' f16' : ''}`
  );
}

/** A cache of data that kernels derive from a tensor. An entry lives until the tensor is freed or changes. */
export interface DerivedData {
  /**
   * Returns the data with this key. `acquire` takes memory from the pool if the key has none yet. `write` fills it, and
   * again after the tensor has changed.
   */
  derive<Memory extends Pooled>(key: string, acquire: () => Memory, write: (target: Memory) => void): Memory;
}

/** The weights of a convolution, OIHW, and the data derived from them. */
export interface ConvWeight extends DerivedData {
  readonly buffer: PooledBuffer;
  /** Whether the weights are not trained: then their data is derived once, not in each step. */
  readonly frozen: boolean;
}

/**
 * One variant of the three passes. Tensors are NCHW and OIHW; each pass writes all of its output, inputGrad or
 * weightGrad. If `inputData` is given, forward caches in it data derived from the input, and weightGrad reuses that.
 */
export interface Conv2dKernels {
  forward(
    gpu: Gpu,
    shape: Conv2dShape,
    input: PooledBuffer,
    weight: ConvWeight,
    output: PooledBuffer,
    after?: Normalisation,
    inputData?: DerivedData,
  ): void;
  inputGrad(gpu: Gpu, shape: Conv2dShape, outputGrad: PooledBuffer, weight: ConvWeight, inputGrad: PooledBuffer): void;
  weightGrad(
    gpu: Gpu,
    shape: Conv2dShape,
    input: PooledBuffer,
    outputGrad: PooledBuffer,
    weightGrad: PooledBuffer,
    inputData?: DerivedData,
  ): void;
}

export type Conv2dPass = keyof Conv2dKernels;
