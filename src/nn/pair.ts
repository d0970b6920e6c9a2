/** Sizes of two-dimensional layers: one number for both directions, or [height, width]. */

export type Pair = readonly [height: number, width: number];
export type Size2d = number | Pair;

/** [height, width] of a size. */
export function pair(size: Size2d): Pair {
  return typeof size === 'number' ? [size, size] : size;
}
