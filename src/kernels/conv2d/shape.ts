/** What the variants of a 2d convolution have in common: its shape, and the three passes that each of them computes. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { Pooled, PooledBuffer } from '../../gpu/pool.ts';
import type { Normalisation } from './normalised.ts';

/** Everything that the kernels of a 2d convolution and the choice among them depend on. */
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
  /** Whether input, weights and output are f16. Only forward, and only in one variant. */
  readonly half?: boolean;
  /** Whether the weights do not learn, so that what is derived from them is derived once and not in each step. */
  readonly frozen?: boolean;
  /**
   * Into how many groups input and output channels are divided; each output channel reads only the input channels of its
   * group. Divides both; 1 if left out. Only one variant has other values.
   */
  readonly groups?: number;
  /** Pixels from one tap to the next; 1 if left out. Only one variant has other values. */
  readonly dilationHeight?: number;
  readonly dilationWidth?: number;
}

/** Outputs along one axis; 0 or less where the kernel does not fit. */
export function convolvedExtent(extent: number, kernel: number, stride: number, padding: number, dilation = 1): number {
  return Math.floor((extent + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** Whether all input channels are read by every output channel, and taps are neighbours. */
export function isPlain({ groups = 1, dilationHeight = 1, dilationWidth = 1 }: Conv2dShape): boolean {
  return groups === 1 && dilationHeight === 1 && dilationWidth === 1;
}

/** Number of weights: [outChannels, inChannels / groups, kernelHeight, kernelWidth]. */
export function weightsOf({ outChannels, inChannels, kernelHeight, kernelWidth, groups = 1 }: Conv2dShape): number {
  return outChannels * (inChannels / groups) * kernelHeight * kernelWidth;
}

/** Floating-point operations of one pass (forward, input gradient or weight gradient), multiply and add counted apart. */
export function conv2dFlops(s: Conv2dShape): number {
  return 2 * s.batch * s.outHeight * s.outWidth * weightsOf(s);
}

/**
 * For timings and records: `4x64x56x56 -> 64, 3x3 /1 +1`, and ` groups 2`, ` dilation 2`, ` f16` or ` frozen` after it where it
 * is that.
 */
export function describeConv2d(s: Conv2dShape): string {
  const { groups = 1, dilationHeight = 1, dilationWidth = 1 } = s;
  const pair = (a: number, b: number) => (a === b ? `${a}` : `${a}x${b}`);
  const dilation = pair(dilationHeight, dilationWidth);
  return (
    `${s.batch}x${s.inChannels}x${s.inHeight}x${s.inWidth} -> ${s.outChannels}, ${s.kernelHeight}x${s.kernelWidth}` +
    ` /${pair(s.strideHeight, s.strideWidth)} +${pair(s.paddingHeight, s.paddingWidth)}` +
    `${groups === 1 ? '' : ` groups ${groups}`}${dilation === '1' ? '' : ` dilation ${dilation}`}` +
    `${s.half ? ' f16' : ''}${s.frozen ? ' frozen' : ''}`
  );
}

/** Forms of a tensor that kernels derive, and that are kept while it lives and does not change. */
export interface Forms {
  /**
   * The form with this key. `acquire` takes memory for it from the pool where there is none yet, `write` fills it in there, and
   * again when the tensor has changed.
   */
  form<Memory extends Pooled>(key: string, acquire: () => Memory, write: (target: Memory) => void): Memory;
}

/** The weights of a convolution, OIHW, and their forms. */
export interface WeightForms extends Forms {
  readonly original: PooledBuffer;
}

/**
 * One variant of the three passes. Tensors are NCHW and OIHW; each pass writes all of its output, inputGrad or weightGrad.
 * Where `inputForms` are given, what forward derives from the input is kept there for weightGrad.
 */
export interface Conv2dKernels {
  forward(
    gpu: Gpu,
    shape: Conv2dShape,
    input: PooledBuffer,
    weight: WeightForms,
    output: PooledBuffer,
    after?: Normalisation,
    inputForms?: Forms,
  ): void;
  inputGrad(gpu: Gpu, shape: Conv2dShape, outputGrad: PooledBuffer, weight: WeightForms, inputGrad: PooledBuffer): void;
  weightGrad(
    gpu: Gpu,
    shape: Conv2dShape,
    input: PooledBuffer,
    outputGrad: PooledBuffer,
    weightGrad: PooledBuffer,
    inputForms?: Forms,
  ): void;
}

export type Conv2dPass = keyof Conv2dKernels;
