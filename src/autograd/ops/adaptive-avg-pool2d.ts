/** adaptiveAvgPool2d: the means of windows that share an image evenly, for an output of any size. */
import { expectImages, formatShape, ShapeError } from '../errors.ts';
import { type Pair, pairOf } from '../options.ts';
import type { Tensor } from '../tensor.ts';
import { averagePool } from './avg-pool2d.ts';
import { globalAvgPool2d } from './global-avg-pool2d.ts';

/** Products of extents must fit 32 bits. */
const LARGEST_PRODUCT = 2 ** 32 - 1;

/**
 * Input [N, C, H, W] → [N, C, ...outputSize]. Output row i is the mean of the input rows from ⌊i · H / H'⌋ up to
 * ⌈(i + 1) · H / H'⌉, which may overlap its neighbours; columns alike. An `outputSize` of 1 is `globalAvgPool2d`. In
 * inference also f16. Saves nothing.
 * @throws OptionError; ShapeError for images without pixels, unless the size is 1
 */
export function adaptiveAvgPool2d(input: Tensor, outputSize: Pair): Tensor {
  const [batch, channels, height, width] = expectImages('adaptiveAvgPool2d', 'input', input);
  const output = pairOf('adaptiveAvgPool2d', 'outputSize', outputSize, 0);
  if (output[0] === 1 && output[1] === 1) return globalAvgPool2d(input);
  const sizes = `${formatShape(input.shape)} to ${formatShape(output)}`;
  if (height * width === 0) {
    throw new ShapeError(`adaptiveAvgPool2d: input must have pixels for an outputSize other than 1, got ${sizes}.`);
  }
  if (Math.max((height + 1) * (output[0] + 1), (width + 1) * (output[1] + 1)) > LARGEST_PRODUCT) {
    throw new ShapeError(`adaptiveAvgPool2d: extents in and out must have a product below 2³², got ${sizes}.`);
  }
  const images = { planes: batch * channels, input: [height, width] as const, output };
  // Windows of equal size that do not overlap.
  const even = output[0] > 0 && output[1] > 0 && height % output[0] === 0 && width % output[1] === 0;
  const options = { outputSize: output };
  if (!even) return averagePool('adaptiveAvgPool2d', input, { images, options });
  const kernel = [height / output[0], width / output[1]] as const;
  const windows = { kernel, stride: kernel, padding: [0, 0] as const, countPadding: false, divisor: 0 };
  return averagePool('adaptiveAvgPool2d', input, { images, windows, options });
}
