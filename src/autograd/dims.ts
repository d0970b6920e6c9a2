/** The dimensions that an op takes as an argument. They count from 0, or from −1 backwards. */
import { formatShape, OptionError, ShapeError } from './errors.ts';
import type { Shape } from './tensor.ts';

/** One dimension, or several. */
export type Dims = number | readonly number[];

/**
 * The dimension, counted from 0. As in torch, a tensor without dimensions has one that is 0 or −1.
 * @throws OptionError if it is no whole number, ShapeError if the shape does not have it
 */
export function dimOf(op: string, dim: number, shape: Shape): number {
  if (!Number.isInteger(dim)) throw new OptionError(`${op}: a dimension must be a whole number, got ${String(dim)}.`);
  const rank = Math.max(shape.length, 1);
  if (dim >= -rank && dim < rank) return dim < 0 ? dim + rank : dim;
  throw new ShapeError(
    `${op}: dimension ${dim} is out of range: input ${formatShape(shape)} has dimensions ${-rank} to ${rank - 1}.`,
  );
}

/**
 * The dimensions, counted from 0. All of them if there are none, as in torch.
 * @throws OptionError or ShapeError as `dimOf`; OptionError if one is named twice
 */
export function dimsOf(op: string, dims: Dims | undefined, shape: Shape): number[] {
  const given: readonly number[] = dims === undefined ? [] : Array.isArray(dims) ? dims : [dims as number];
  if (given.length === 0) return [...shape.keys()];
  const found = given.map((dim) => dimOf(op, dim, shape));
  const twice = found.find((dim, i) => found.indexOf(dim) !== i);
  if (twice === undefined) return found;
  throw new OptionError(`${op}: dimension ${twice} is named twice in ${formatShape(given)}. Name each once.`);
}
