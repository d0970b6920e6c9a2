/**
 * toDType: the same values in another element type. Converts between f32 and f16, without a gradient: f16 is for
 * inference.
 */
import { MissingFeatureError } from '../../gpu/errors.ts';
import { convert } from '../../kernels/elementwise/convert.ts';
import type { Floating } from '../dtype.ts';
import { DTypeError, expectUsable } from '../errors.ts';
import { wouldRecord } from '../graph.ts';
import { Tensor } from '../tensor.ts';
import { tell } from '../tracing.ts';

/**
 * A tensor of the same shape in f32 or f16. If it already has that type, a view of the same memory. From f32, each
 * value becomes the nearest f16 value. Beyond 65,504 that is infinity; close to 0, a multiple of 2⁻²⁴ or, on some
 * adapters, 0.
 * @throws DTypeError if one of the types is an integer or a gradient is required
 * @throws MissingFeatureError if the device was opened without half precision
 */
export function toDType(input: Tensor, dtype: Floating): Tensor {
  const { gpu, size } = input;
  expectUsable('toDType', { input });
  if (dtype !== 'f32' && dtype !== 'f16') throw new DTypeError(`toDType: dtype must be f32 or f16, got ${dtype}.`);
  if (!['f32', 'f16'].includes(input.dtype)) {
    throw new DTypeError(`toDType: input must hold f32 or f16 values, got ${input.dtype}.`);
  }
  if (input.dtype === dtype) return input.detach();
  if (wouldRecord([input])) {
    throw new DTypeError('toDType: f16 has no gradients, and input requires one. Convert within noGrad().');
  }
  if (!gpu.traits.shaderF16) {
    throw new MissingFeatureError(
      'toDType: f16 needs half precision, and this device was opened without it: open it with openGpu({ half: true }).',
    );
  }
  const output = Tensor.empty(gpu, input.shape, dtype);
  convert(gpu, size, dtype === 'f16', input.buffer, output.buffer);
  tell({ name: 'toDType', inputs: { input }, options: { dtype }, output });
  return output;
}
