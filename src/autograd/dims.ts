/** Dimensions as arguments of ops: whole numbers, of which negative ones count from the end. */
import { formatShape, OptionError } from './errors.ts';

/**
 * Returns the dimension of a tensor of this shape, counted from the front. As in torch, a tensor without dimensions has
 * dimension 0, which is also −1.
 * @param name of the argument, such as `dim` or `dims[1]`
 * @throws OptionError unless it is a whole number from −rank to rank − 1
 */
export function dimOf(op: string, name: string, dim: number, shape: readonly number[]): number {
  const rank = Math.max(1, shape.length);
  if (Number.isInteger(dim) && dim >= -rank && dim < rank) return dim < 0 ? dim + rank : dim;
  throw new OptionError(
    `${op}: ${name} must be a whole number from ${-rank} to ${rank - 1} for shape ${formatShape(shape)}, got ${dim}.`,
  );
}

/** The extents before a dimension multiplied, its own, and those after it multiplied. */
export function aroundDim(shape: readonly number[], dim: number): { outer: number; extent: number; inner: number } {
  const product = (extents: readonly number[]) => extents.reduce((result, extent) => result * extent, 1);
  return { outer: product(shape.slice(0, dim)), extent: shape[dim] ?? 1, inner: product(shape.slice(dim + 1)) };
}
