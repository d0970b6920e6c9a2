/** avgPool2d: the mean of each window. Every pixel of a window gets an equal share of its gradient. */
import { averagePoolBackward, averagePoolForward, type MeanWindows } from '../../kernels/pooling/average-pool.ts';
import type { Images } from '../../kernels/pooling/windows.ts';
import { expectImages } from '../errors.ts';
import { record } from '../graph.ts';
import { checkNames, flag, wholeNumber } from '../options.ts';
import { storesHalf } from '../storage-type.ts';
import { Tensor } from '../tensor.ts';
import { type PoolOptions, pooledImages, poolWindow, WINDOW_OPTIONS } from './pool-window.ts';

/** Options of `avgPool2d`, in pixels. The padding is zeros. */
export interface AvgPoolOptions extends PoolOptions {
  /** Whether the mean counts the padding in a window. On by default. */
  readonly countIncludePad?: boolean;
  /** Divides the sum of each window, in place of the number of its pixels. */
  readonly divisorOverride?: number;
}

const OPTIONS = {
  ...WINDOW_OPTIONS,
  countIncludePad: true,
  divisorOverride: true,
} as const satisfies Record<keyof AvgPoolOptions, true>;

/**
 * Returns the options with defaults.
 * @param owner the op or module in error messages
 * @throws OptionError
 */
export function avgPoolOptions(owner: string, options: AvgPoolOptions) {
  checkNames(owner, options, OPTIONS);
  const { countIncludePad = true, divisorOverride } = options;
  if (divisorOverride !== undefined) wholeNumber(owner, 'divisorOverride', divisorOverride, 1);
  return {
    ...poolWindow(owner, options),
    countIncludePad: flag(owner, 'countIncludePad', countIncludePad),
    divisorOverride,
  };
}

/**
 * Input [N, C, H, W] → [N, C, H', W'] with H' = ⌊(H + 2 · padding − kernelSize) / stride⌋ + 1, or rounded up with
 * `ceilMode`. A mean counts no pixels beyond the padding. In inference also f16. Saves nothing.
 * @throws OptionError, ShapeError
 */
export function avgPool2d(input: Tensor, options: AvgPoolOptions): Tensor {
  expectImages('avgPool2d', 'input', input);
  const { countIncludePad, divisorOverride = 0, ...window } = avgPoolOptions('avgPool2d', options);
  const images = pooledImages('avgPool2d', input, window);
  const { kernelSize: kernel, stride, padding } = window;
  const means = { kernel, stride, padding, countPadding: countIncludePad, divisor: divisorOverride };
  return averagePool('avgPool2d', input, {
    images,
    windows: means,
    options: { ...window, countIncludePad, divisorOverride },
  });
}

/** How a pool averages: over windows, or over adaptive ones without `windows`; `options` as in `OpRecord`. */
export interface AveragePool {
  readonly images: Images;
  readonly windows?: MeanWindows;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The mean over windows, for the op `op`. */
export function averagePool(op: string, input: Tensor, { images, windows, options }: AveragePool): Tensor {
  const { gpu, shape, dtype } = input;
  const half = storesHalf(op, { input });
  const output = Tensor.empty(gpu, [shape[0]!, shape[1]!, ...images.output], dtype);
  averagePoolForward(gpu, images, windows, input.buffer, output.buffer, half);
  return record({
    name: op,
    inputs: { input },
    output,
    options,
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, shape);
      averagePoolBackward(gpu, images, windows, outputGrad.buffer, inputGrad.buffer);
      return [inputGrad];
    },
  });
}
