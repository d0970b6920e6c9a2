/** maxPool2d: the maximum of each window. Its gradient goes to the first maximum in scan order. */
import { maxPoolBackward, maxPoolForward } from '../../kernels/pooling/max-pool.ts';
import { expectImages, formatShape, OptionError, ShapeError } from '../errors.ts';
import { record, wouldRecord } from '../graph.ts';
import { checkNames, type HeightWidth, type Pair, pairOf } from '../options.ts';
import { storesHalf } from '../storage-type.ts';
import { Tensor } from '../tensor.ts';

/** Options of `maxPool2d`, in pixels. */
export interface MaxPoolOptions {
  readonly kernelSize: Pair;
  /** The kernel size by default. */
  readonly stride?: Pair;
  /** Rows and columns of minus infinity on each side: at most half the kernel; 0 by default. */
  readonly padding?: Pair;
}

/** The options with defaults. */
interface Window {
  readonly kernelSize: HeightWidth;
  readonly stride: HeightWidth;
  readonly padding: HeightWidth;
}

const OPTIONS = { kernelSize: true, stride: true, padding: true } as const satisfies Record<keyof MaxPoolOptions, true>;

/**
 * Returns the options with defaults.
 * @param owner the op or module in error messages
 * @throws OptionError
 */
export function poolWindow(owner: string, options: MaxPoolOptions): Window {
  checkNames(owner, options, OPTIONS);
  const kernelSize = pairOf(owner, 'kernelSize', options.kernelSize, 1);
  const stride = pairOf(owner, 'stride', options.stride === undefined ? kernelSize : options.stride, 1);
  const padding = pairOf(owner, 'padding', options.padding === undefined ? 0 : options.padding, 0);
  if (padding[0] * 2 > kernelSize[0] || padding[1] * 2 > kernelSize[1]) {
    throw new OptionError(
      `${owner}: padding must be at most half the kernel size ${formatShape(kernelSize)}, got ${formatShape(padding)}.`,
    );
  }
  return { kernelSize, stride, padding };
}

/**
 * Input [N, C, H, W] → [N, C, H', W'] with H' = ⌊(H + 2 · padding − kernelSize) / stride⌋ + 1. NaN counts as the
 * largest value. In inference also f16. Saves the position of each maximum.
 */
export function maxPool2d(input: Tensor, options: MaxPoolOptions): Tensor {
  const [batch, channels, height, width] = expectImages('maxPool2d', 'input', input);
  const { kernelSize: kernel, stride, padding } = poolWindow('maxPool2d', options);
  const extent = (axis: 0 | 1) => {
    const result = Math.floor((input.shape[2 + axis]! + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
    if (result < 1) {
      throw new ShapeError(
        `maxPool2d: input must be at least as large as the kernel ${formatShape(kernel)} with padding ` +
          `${formatShape(padding)}, got ${formatShape(input.shape)}.`,
      );
    }
    return result;
  };
  const pooling = {
    planes: batch * channels,
    input: [height, width],
    output: [extent(0), extent(1)],
    kernel,
    stride,
    padding,
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
