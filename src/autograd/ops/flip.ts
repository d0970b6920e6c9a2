/** flip: the same values in reverse order along some dimensions. So is the gradient. */
import { copyStrided } from '../../kernels/copy/strided.ts';
import { stridesOf } from '../../kernels/strides.ts';
import { dimsOf } from '../dims.ts';
import type { DType } from '../dtype.ts';
import { Tensor } from '../tensor.ts';
import { copyOf } from '../views.ts';

/**
 * A copy in reverse order along each of `dims`. Holds f32, u32 or i32 values. Saves nothing.
 * @throws OptionError for a dimension that the input does not have, or that occurs twice
 */
export function flip<D extends DType>(input: Tensor<D>, dims: readonly number[]): Tensor<D> {
  const turned = dimsOf('flip', dims, input.shape);
  const flipped = (source: Tensor) => reversed(source, turned);
  return copyOf('flip', input, { dims: turned }, flipped, flipped);
}

function reversed(input: Tensor, dims: readonly number[]): Tensor {
  const { gpu, shape, dtype } = input;
  const strides = stridesOf(shape);
  const output = Tensor.empty(gpu, shape, dtype);
  copyStrided(
    gpu,
    shape,
    {
      buffer: input.buffer,
      strides: strides.map((stride, axis) => (dims.includes(axis) ? -stride : stride)),
      // The last place of each. A tensor without dimensions has one value, which is its own reverse.
      offset: dims.reduce((sum, axis) => sum + ((shape[axis] ?? 1) - 1) * (strides[axis] ?? 0), 0),
    },
    { buffer: output.buffer, strides },
  );
  return output;
}
