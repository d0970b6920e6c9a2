/** Dimensions as arguments of ops: whole numbers, of which negative ones count from the end. */
import { formatShape, OptionError } from './errors.ts';
import { shown } from './options.ts';

/** One dimension, or several. */
export type Dims = number | readonly number[];

/**
 * Returns the dimension of a tensor of this shape, counted from the front. As in torch, a tensor without dimensions has
 * dimension 0, which is also −1.
 * @param name of the argument, such as `dim` or `dims[1]`
 * @param rank one more than the shape has for an op that adds a dimension
 * @throws OptionError unless it is a whole number from −rank to rank − 1
 */
export function dimOf(
  op: string,
  name: string,
  dim: number,
  shape: readonly number[],
  rank = Math.max(1, shape.length),
): number {
  if (Number.isInteger(dim) && dim >= -rank && dim < rank) return dim < 0 ? dim + rank : dim;
  throw new OptionError(
    `${op}: ${name} must be a whole number from ${-rank} to ${rank - 1} for shape ${formatShape(shape)}, got ` +
      `${String(dim)}.`,
  );
}

/** Returns the dimensions, each as `dimOf` does. @throws OptionError also if one occurs twice */
export function dimsOf(op: string, dims: Dims, shape: readonly number[]): number[] {
  if (typeof dims === 'number') return [dimOf(op, 'dims', dims, shape)];
  if (!Array.isArray(dims))
    throw new OptionError(`${op}: dims must be a dimension or a list of them, got ${shown(dims)}.`);
  const found = (dims as readonly number[]).map((dim, i) => dimOf(op, `dims[${i}]`, dim, shape));
  const twice = found.find((dim, i) => found.indexOf(dim) !== i);
  if (twice === undefined) return found;
  throw new OptionError(`${op}: dims must be different, got ${formatShape(dims)}, in which ${twice} occurs twice.`);
}

/** The extents before a dimension multiplied, its own, and those after it multiplied. */
export function aroundDim(shape: readonly number[], dim: number): { outer: number; extent: number; inner: number } {
  const product = (extents: readonly number[]) => extents.reduce((result, extent) => result * extent, 1);
  return { outer: product(shape.slice(0, dim)), extent: shape[dim] ?? 1, inner: product(shape.slice(dim + 1)) };
}
