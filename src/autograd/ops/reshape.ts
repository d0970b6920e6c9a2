/** reshape: the same values in another shape. Needs no kernel in either direction. */
import { expectUsable, formatShape, ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import { type Shape, sizeOf, type Tensor } from '../tensor.ts';

/**
 * A view of the input in another shape with as many values, row-major. Shares the input's memory.
 * @throws ShapeError if the shape has more or fewer values
 */
export function reshape(input: Tensor, shape: Shape): Tensor {
  expectUsable('reshape', { input });
  if (!Array.isArray(shape) || sizeOf(shape) !== input.size) {
    const found = Array.isArray(shape) ? formatShape(shape) : String(shape);
    throw new ShapeError(
      `reshape: input ${formatShape(input.shape)} has ${input.size} values, which shape ${found} does not hold.`,
    );
  }
  return record({
    name: 'reshape',
    inputs: { input },
    output: input.alias(shape),
    backward: (outputGrad) => [outputGrad.alias(input.shape)],
  });
}
