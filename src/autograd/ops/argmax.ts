/** argmax and argmin: the places of the largest and smallest values. They have no gradient. */
import { placesOver } from '../../kernels/reduction/extreme.ts';
import { dimOf } from '../dims.ts';
import { expectTensor } from '../errors.ts';
import { expectValues, type ReduceOptions, reduced } from '../reduced.ts';
import { Tensor } from '../tensor.ts';
import { tell } from '../tracing.ts';

/**
 * The index of the largest value along `dim`, u32; by default of all values, row by row. The first of equal ones. NaN
 * counts as the largest. Input f32.
 * @throws OptionError or ShapeError for a dimension that the input does not have
 * @throws ShapeError if there are no values to choose from
 */
export function argmax(input: Tensor, dim?: number, options: ReduceOptions = {}): Tensor<'u32'> {
  return places('argmax', input, dim, options);
}

/** The index of the smallest value along `dim`, as `argmax`. NaN counts as the smallest. */
export function argmin(input: Tensor, dim?: number, options: ReduceOptions = {}): Tensor<'u32'> {
  return places('argmin', input, dim, options);
}

function places(
  name: 'argmax' | 'argmin',
  input: Tensor,
  dim: number | undefined,
  options: ReduceOptions,
): Tensor<'u32'> {
  expectTensor(name, 'input', input);
  const dims = dim === undefined ? undefined : dimOf(name, 'dim', dim, input.shape);
  const { shape, count, reductions, options: kept } = reduced(name, input, dims, options);
  expectValues(name, input, count);
  const output = Tensor.empty(input.gpu, shape, 'u32');
  // One dimension, or all of them, are one step.
  for (const reduction of reductions) {
    placesOver(input.gpu, reduction, name === 'argmin', input.buffer, output.buffer);
  }
  tell({ name, inputs: { input }, options: kept, output });
  return output;
}
