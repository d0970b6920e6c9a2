/** The windows of maxPool2d and avgPool2d: their options, and the extents of what they cover. */
import { formatShape, OptionError, ShapeError } from '../errors.ts';
import { flag, type HeightWidth, type Pair, pairOf } from '../options.ts';
import type { Tensor } from '../tensor.ts';

/** Options of every pool, in pixels. */
export interface PoolOptions {
  readonly kernelSize: Pair;
  /** The kernel size by default. */
  readonly stride?: Pair;
  /** Rows and columns added on each side: at most half the kernel; 0 by default. */
  readonly padding?: Pair;
  /** Whether a last window may reach beyond the padding, if it begins before the image ends. Off by default. */
  readonly ceilMode?: boolean;
}

/** The options with defaults. */
export interface PoolWindow {
  readonly kernelSize: HeightWidth;
  readonly stride: HeightWidth;
  readonly padding: HeightWidth;
  readonly ceilMode: boolean;
}

/** The names of these options. */
export const WINDOW_OPTIONS = {
  kernelSize: true,
  stride: true,
  padding: true,
  ceilMode: true,
} as const satisfies Record<keyof PoolOptions, true>;

/**
 * Returns the options with defaults.
 * @param owner the op or module in error messages
 * @throws OptionError
 */
export function poolWindow(owner: string, options: PoolOptions): PoolWindow {
  const kernelSize = pairOf(owner, 'kernelSize', options.kernelSize, 1);
  const stride = pairOf(owner, 'stride', options.stride === undefined ? kernelSize : options.stride, 1);
  const padding = pairOf(owner, 'padding', options.padding === undefined ? 0 : options.padding, 0);
  if (padding[0] * 2 > kernelSize[0] || padding[1] * 2 > kernelSize[1]) {
    throw new OptionError(
      `${owner}: padding must be at most half the kernel size ${formatShape(kernelSize)}, got ${formatShape(padding)}.`,
    );
  }
  const ceilMode = flag(owner, 'ceilMode', options.ceilMode === undefined ? false : options.ceilMode);
  return { kernelSize, stride, padding, ceilMode };
}

/**
 * Returns the images in and out of a pool over `input`, as kernels take them. Only the batch may be empty.
 * @throws ShapeError
 */
export function pooledImages(op: string, input: Tensor, window: PoolWindow, dilation: HeightWidth = [1, 1]) {
  const [batch, channels, height, width] = input.shape as readonly [number, number, number, number];
  if (channels * height * width === 0) {
    throw new ShapeError(
      `${op}: input must have channels and pixels, only its batch may be 0, got ${formatShape(input.shape)}.`,
    );
  }
  const { kernelSize, stride, padding, ceilMode } = window;
  const extent = (axis: 0 | 1) => {
    const padded = input.shape[2 + axis]! + 2 * padding[axis];
    const steps = (padded - (kernelSize[axis] - 1) * dilation[axis] - 1) / stride[axis];
    const last = ceilMode ? Math.ceil(steps) : Math.floor(steps);
    // A window in the padding after the image would cover no pixel.
    const begins = last * stride[axis] < padded - padding[axis];
    return (ceilMode && !begins ? last - 1 : last) + 1;
  };
  const output = [extent(0), extent(1)] as const;
  if (output[0] < 1 || output[1] < 1) {
    const gaps = dilation.some((step) => step > 1) ? `, dilation ${formatShape(dilation)}` : '';
    throw new ShapeError(
      `${op}: input must be at least as large as the kernel ${formatShape(kernelSize)}${gaps} with padding ` +
        `${formatShape(padding)}, got ${formatShape(input.shape)}.`,
    );
  }
  return { planes: batch * channels, input: [height, width] as const, output };
}
