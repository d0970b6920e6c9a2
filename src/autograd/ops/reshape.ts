/** reshape: the same values in another shape. Needs no kernel in either direction. */
import type { DType } from '../dtype.ts';
import { expectUsable, formatShape, ShapeError } from '../errors.ts';
import { type Shape, sizeOf, type Tensor } from '../tensor.ts';
import { viewAs } from '../views.ts';

/**
 * A view of the input in another shape with as many values, row-major; any type. One extent may be −1: the one that
 * fits. Shares the input's memory.
 * @throws ShapeError if the shape has more or fewer values
 */
export function reshape<D extends DType>(input: Tensor<D>, shape: Shape): Tensor<D> {
  expectUsable('reshape', { input });
  if (!Array.isArray(shape)) {
    throw new ShapeError(`reshape: a shape is a list of extents, such as [2, 3] or [-1], got ${String(shape)}.`);
  }
  const full = fillIn(shape, input.size);
  if (!full || sizeOf(full) !== input.size) {
    throw new ShapeError(
      `reshape: input ${formatShape(input.shape)} has ${input.size} values, which shape ${formatShape(shape)} does not hold.`,
    );
  }
  return viewAs('reshape', input, full);
}

/** The shape with the extent that fits for −1; undefined if it has several, or extents that are no whole numbers. */
function fillIn(shape: Shape, size: number): number[] | undefined {
  const rest = sizeOf(shape.filter((extent) => extent !== -1));
  const full = shape.map((extent) => (extent === -1 ? size / rest : extent));
  const open = shape.filter((extent) => extent === -1).length;
  return open <= 1 && full.every((extent) => Number.isInteger(extent) && extent >= 0) ? full : undefined;
}
