/** Convolutions at the level of kernels: shapes, sums in double on the host, and running a variant on a shape. */
import { counterNoise } from '../../src/autograd/gradcheck.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { Pooled, PooledBuffer } from '../../src/gpu/pool.ts';
import {
  type Conv2dKernels,
  type Conv2dShape,
  type ConvWeight,
  convolvedExtent,
  weightsOf,
} from '../../src/kernels/conv2d/shape.ts';

export const PASSES = ['forward', 'inputGrad', 'weightGrad'] as const;
export type Pass = (typeof PASSES)[number];

type Two = readonly [height: number, width: number];

/** A convolution, described by torch's arguments. */
export interface Told {
  /** N, C, H, W */
  readonly input: readonly [number, number, number, number];
  readonly outChannels: number;
  readonly kernel: Two;
  readonly stride?: Two;
  readonly padding?: Two;
  readonly dilation?: Two;
  readonly groups?: number;
}

export function shapeOf({ input, outChannels, kernel, stride = [1, 1], padding = [0, 0], ...rest }: Told): Conv2dShape {
  const { dilation = [1, 1], groups = 1 } = rest;
  const [batch, inChannels, inHeight, inWidth] = input;
  const out = (axis: 0 | 1) =>
    convolvedExtent(input[2 + axis]!, kernel[axis], stride[axis], padding[axis], dilation[axis]);
  return {
    ...{ batch, inChannels, inHeight, inWidth, outChannels, kernelHeight: kernel[0], kernelWidth: kernel[1] },
    ...{ strideHeight: stride[0], strideWidth: stride[1], paddingHeight: padding[0], paddingWidth: padding[1] },
    ...{ outHeight: out(0), outWidth: out(1) },
    ...(rest.dilation && { dilationHeight: dilation[0], dilationWidth: dilation[1] }),
    ...(rest.groups && { groups }),
  };
}

/** The operands of a convolution and its gradients. All values lie between −1 and 1. */
export type Operands = Readonly<Record<'input' | 'weight' | 'outputGrad', Float32Array<ArrayBuffer>>>;

export function operandsOf(s: Conv2dShape): Operands {
  const random = counterNoise(s.inChannels * s.outChannels + s.inWidth);
  const noise = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);
  return {
    input: noise(s.batch * s.inChannels * s.inHeight * s.inWidth),
    weight: noise(weightsOf(s)),
    outputGrad: noise(s.batch * s.outChannels * s.outHeight * s.outWidth),
  };
}

/** Computes all three passes as sums in double. */
export function onHost(s: Conv2dShape, { input, weight, outputGrad }: Operands): Record<Pass, Float64Array> {
  const { groups = 1, dilationHeight = 1, dilationWidth = 1 } = s;
  const channels = s.inChannels / groups;
  const forward = new Float64Array(outputGrad.length);
  const inputGrad = new Float64Array(input.length);
  const weightGrad = new Float64Array(weight.length);
  for (let image = 0; image < s.batch; image++)
    for (let out = 0; out < s.outChannels; out++) {
      const first = Math.floor(out / (s.outChannels / groups)) * channels;
      for (let channel = 0; channel < channels; channel++)
        for (let tapRow = 0; tapRow < s.kernelHeight; tapRow++)
          for (let tapColumn = 0; tapColumn < s.kernelWidth; tapColumn++) {
            const w = ((out * channels + channel) * s.kernelHeight + tapRow) * s.kernelWidth + tapColumn;
            for (let outRow = 0; outRow < s.outHeight; outRow++)
              for (let outColumn = 0; outColumn < s.outWidth; outColumn++) {
                const row = outRow * s.strideHeight - s.paddingHeight + tapRow * dilationHeight;
                const column = outColumn * s.strideWidth - s.paddingWidth + tapColumn * dilationWidth;
                if (row < 0 || row >= s.inHeight || column < 0 || column >= s.inWidth) continue;
                const x = ((image * s.inChannels + first + channel) * s.inHeight + row) * s.inWidth + column;
                const y = ((image * s.outChannels + out) * s.outHeight + outRow) * s.outWidth + outColumn;
                forward[y]! += input[x]! * weight[w]!;
                inputGrad[x]! += outputGrad[y]! * weight[w]!;
                weightGrad[w]! += outputGrad[y]! * input[x]!;
              }
          }
    }
  return { forward, inputGrad, weightGrad };
}

/**
 * Records a pass of a variant. On a device with poisoned memory, unwritten elements are NaN.
 * @returns the result; start many passes before awaiting the first
 */
export function runPass(
  gpu: Gpu,
  kernels: Conv2dKernels,
  s: Conv2dShape,
  pass: Pass,
  operands: Operands,
): Promise<Float32Array> {
  const held: Pooled[] = [];
  const hold = <M extends Pooled>(memory: M) => {
    held.push(memory);
    return memory;
  };
  const put = (values: Float32Array<ArrayBuffer>) => {
    const buffer = hold(gpu.pool.acquire(values.byteLength));
    gpu.upload(buffer, values);
    return buffer;
  };
  const weight = () => uncached(put(operands.weight), hold);
  const written = { forward: operands.outputGrad, inputGrad: operands.input, weightGrad: operands.weight }[pass];
  const target = hold(gpu.pool.acquire(written.byteLength));
  if (pass === 'forward') kernels.forward(gpu, s, put(operands.input), weight(), target);
  if (pass === 'inputGrad') kernels.inputGrad(gpu, s, put(operands.outputGrad), weight(), target);
  if (pass === 'weightGrad') kernels.weightGrad(gpu, s, put(operands.input), put(operands.outputGrad), target);
  const result = gpu.readback(target, written.byteLength);
  for (const memory of held) gpu.pool.release(memory);
  return result.get().then((bytes) => new Float32Array(bytes));
}

/** Trained weights without a cache: data is derived from them at every use, and `hold` gets its memory. */
export function uncached(buffer: PooledBuffer, hold: (memory: Pooled) => void): ConvWeight {
  return {
    buffer,
    frozen: false,
    derive: (_, acquire, write) => {
      const memory = acquire();
      hold(memory);
      write(memory);
      return memory;
    },
  };
}

/** The number of terms in a pass's longest sum. */
export function termsOf(s: Conv2dShape, pass: Pass): number {
  const { groups = 1 } = s;
  const taps = s.kernelHeight * s.kernelWidth;
  return {
    forward: (s.inChannels / groups) * taps,
    inputGrad: (s.outChannels / groups) * taps,
    weightGrad: s.batch * s.outHeight * s.outWidth,
  }[pass];
}

/** The largest difference of two results; NaN if one of them holds NaN. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.NaN;
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(difference)) return Number.NaN;
    most = Math.max(most, difference);
  }
  return most;
}
