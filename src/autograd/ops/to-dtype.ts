/** toDType: the same values in another element type. Between f32 and f16, without a gradient: f16 is for inference. */
import { MissingFeatureError } from '../../gpu/errors.ts';
import { convert } from '../../kernels/elementwise/convert.ts';
import type { Floating } from '../dtype.ts';
import { DTypeError, expectUsable } from '../errors.ts';
import { wouldRecord } from '../graph.ts';
import { Tensor } from '../tensor.ts';

/**
 * A tensor of the same shape in f32 or f16; of the type that it has already, a view of the same memory. From f32 every value
 * becomes the nearest that f16 has: beyond 65,504 infinity, and close to 0 a multiple of 2⁻²⁴ or, on some adapters, 0.
 * @throws DTypeError where one of the types is an integer or a gradient is wanted; MissingFeatureError where the device was opened
 *   without half precision
 */
export function toDType(input: Tensor, dtype: Floating): Tensor {
  const { gpu, size } = input;
  expectUsable('toDType', { input });
  if (dtype !== 'f32' && dtype !== 'f16') throw new DTypeError(`toDType: dtype must be f32 or f16, got ${dtype}.`);
  if (!['f32', 'f16'].includes(input.dtype)) {
    throw new DTypeError(`toDType: input must hold f32 or f16 values, got ${input.dtype}.`);
  }
  if (input.dtype === dtype) return input.view();
  if (wouldRecord([input])) {
    throw new DTypeError('toDType: f16 has no gradients, and input requires one. Convert within noGrad().');
  }
  if (!gpu.traits.shaderF16) {
    throw new MissingFeatureError(
      'This device was opened without half precision: open it with openGpu({ half: true }).',
    );
  }
  const output = Tensor.empty(gpu, input.shape, dtype);
  convert(gpu, size, dtype === 'f16', input.buffer, output.buffer);
  return output;
}
