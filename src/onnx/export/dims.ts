/** Extents that may depend on the batch, found by running a network on batches of two sizes. */

/** times · batch + plus. Of a fixed extent, `times` is 0. */
export interface Extent {
  readonly times: number;
  readonly plus: number;
}

/** A shape, outermost first. */
export type Dims = readonly Extent[];

/** Two batches that no other extent of a network is likely to equal, and that broadcast with nothing. */
export const BATCHES = [2, 3] as const;

export const fixed = (extent: number): Extent => ({ times: 0, plus: extent });

export const isFixed = ({ times }: Extent): boolean => times === 0;

/** The shape that a tensor has with the first of `BATCHES` and with the second; undefined if its rank changes. */
export function dimsOf(first: readonly number[], second: readonly number[]): Dims | undefined {
  if (first.length !== second.length) return undefined;
  return first.map((extent, axis) => {
    const times = (second[axis]! - extent) / (BATCHES[1] - BATCHES[0]);
    return { times, plus: extent - times * BATCHES[0] };
  });
}

/** As numbers. @throws RangeError if one depends on the batch */
export function fixedShape(dims: Dims): number[] {
  if (dims.every(isFixed)) return dims.map(({ plus }) => plus);
  throw new RangeError(`The shape ${formatDims(dims)} depends on the batch.`);
}

/** `batch`, `4 * batch`, `batch + 1`, `64`: as names of free dimensions in ONNX, and in messages. */
export function formatExtent({ times, plus }: Extent): string {
  if (times === 0) return String(plus);
  const multiple = times === 1 ? 'batch' : `${times} * batch`;
  return plus === 0 ? multiple : `${multiple} ${plus < 0 ? '-' : '+'} ${Math.abs(plus)}`;
}

export const formatDims = (dims: Dims): string => `[${dims.map(formatExtent).join(', ')}]`;
