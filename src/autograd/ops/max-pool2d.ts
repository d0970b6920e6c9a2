/** maxPool2d: the maximum of each window. Its gradient goes to the first maximum in scan order. */
import { maxPoolBackward, maxPoolForward } from '../../kernels/max-pool.ts';
import { expectImages, formatShape, ShapeError } from '../errors.ts';
import { record, wouldRecord } from '../graph.ts';
import { storesHalf } from '../storage-type.ts';
import { Tensor } from '../tensor.ts';

/** One number for both directions, or [height, width]. */
export type Pair = number | readonly [number, number];

/** Options of `maxPool2d`, in pixels. */
export interface MaxPoolOptions {
  readonly kernelSize: Pair;
  /** The kernel size by default. */
  readonly stride?: Pair;
  /** Rows and columns of minus infinity on each side: at most half the kernel; 0 by default. */
  readonly padding?: Pair;
}

/**
 * Input [N, C, H, W] → [N, C, H', W'] with H' = ⌊(H + 2 · padding − kernelSize) / stride⌋ + 1. NaN counts as the largest
 * value. In inference also f16. Saves the place of each maximum.
 */
export function maxPool2d(input: Tensor, { kernelSize, stride = kernelSize, padding = 0 }: MaxPoolOptions): Tensor {
  const [batch, channels, height, width] = expectImages('maxPool2d', 'input', input);
  const kernel = pair('kernelSize', kernelSize, 1);
  const step = pair('stride', stride, 1);
  const border = pair('padding', padding, 0);
  const extent = (axis: 0 | 1) => {
    if (border[axis] * 2 > kernel[axis]) {
      throw new ShapeError(
        `maxPool2d: padding must be at most half the kernel size ${formatShape(kernel)}, got ${formatShape(border)}.`,
      );
    }
    const result = Math.floor((input.shape[2 + axis]! + 2 * border[axis] - kernel[axis]) / step[axis]) + 1;
    if (result < 1) {
      throw new ShapeError(
        `maxPool2d: input must be at least as large as the kernel ${formatShape(kernel)} with padding ` +
          `${formatShape(border)}, got ${formatShape(input.shape)}.`,
      );
    }
    return result;
  };
  const pooling = {
    planes: batch * channels,
    input: [height, width],
    output: [extent(0), extent(1)],
    kernel,
    stride: step,
    padding: border,
  } as const;

  const { gpu } = input;
  const half = storesHalf('maxPool2d', { input });
  const output = Tensor.empty(gpu, [batch, channels, ...pooling.output], input.dtype);
  if (!wouldRecord([input])) {
    maxPoolForward(gpu, pooling, input.buffer, output.buffer, { half });
    return output;
  }
  const argmax = Tensor.empty(gpu, output.shape, 'u32');
  maxPoolForward(gpu, pooling, input.buffer, output.buffer, { argmax: argmax.buffer });
  record({
    name: 'maxPool2d',
    inputs: { input },
    output,
    saved: [argmax],
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, input.shape);
      maxPoolBackward(gpu, pooling, argmax.buffer, outputGrad.buffer, inputGrad.buffer);
      return [inputGrad];
    },
  });
  argmax.dispose();
  return output;
}

function pair(name: string, value: Pair, least: number): readonly [number, number] {
  const both = typeof value === 'number' ? ([value, value] as const) : value;
  if (both.length === 2 && both.every((one) => Number.isInteger(one) && one >= least)) return both;
  throw new ShapeError(`maxPool2d: ${name} must be whole numbers of at least ${least}, got ${formatShape(both)}.`);
}
