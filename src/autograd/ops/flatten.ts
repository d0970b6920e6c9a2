/** flatten: several dimensions as one, such as the values of an image as one row. Needs no kernel in either direction. */
import { dimOf } from '../dims.ts';
import type { DType } from '../dtype.ts';
import { expectUsable, formatShape, OptionError } from '../errors.ts';
import { sizeOf, type Tensor } from '../tensor.ts';
import { viewAs } from '../views.ts';

/**
 * A view with the dimensions from `startDim` to `endDim` as one. Without them [N, …] becomes [N, product of the rest],
 * as by torch's `nn.Flatten`; `torch.flatten` starts at dimension 0. A tensor without dimensions becomes [1]. Any type.
 * Shares the input's memory.
 * @throws OptionError for a dimension that the input does not have, or an end before the start
 */
export function flatten<D extends DType>(input: Tensor<D>, startDim = 1, endDim = -1): Tensor<D> {
  expectUsable('flatten', { input });
  const { shape } = input;
  const start = dimOf('flatten', 'startDim', startDim, shape);
  const end = dimOf('flatten', 'endDim', endDim, shape);
  if (end < start) {
    throw new OptionError(
      `flatten: endDim ${endDim} must not come before startDim ${startDim} for shape ${formatShape(shape)}.`,
    );
  }
  const joined = sizeOf(shape.slice(start, end + 1));
  return viewAs('flatten', input, [...shape.slice(0, start), joined, ...shape.slice(end + 1)]);
}
