/** Copies a strided view into row-major order. It moves bytes as integers, so that the bits of a NaN stay. */

import { countNumbers } from './types.ts';

type Units = Uint8Array | Uint16Array | Uint32Array;

/**
 * @param bytes of the whole storage, aligned to `size` or copied if not
 * @param size bytes per element: 1, 2, 4 or 8
 * @param start first element of the view
 * @param strides in elements; the bounds were checked when the tensor was built
 * @returns the view's elements, in their own buffer
 */
export function gather(
  bytes: Uint8Array,
  size: number,
  start: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  // Eight bytes move as two units: one more dimension.
  const halves = size === 8 ? 2 : 1;
  const dims = shape.map((extent, i) => ({ extent, stride: strides[i]! * halves }));
  const merged = mergeDimensions(halves === 2 ? [...dims, { extent: 2, stride: 1 }] : dims);
  const from = unitsOf(bytes, size);
  const to = unitsOf(new Uint8Array(countNumbers(shape) * size), size);
  copy(from, start * halves, to, merged);
  return new Uint8Array(to.buffer);
}

function unitsOf(bytes: Uint8Array, size: number): Units {
  const own = bytes.byteOffset % Math.min(size, 4) === 0 ? bytes : Uint8Array.from(bytes);
  if (size === 1) return own;
  if (size === 2) return new Uint16Array(own.buffer, own.byteOffset, own.byteLength / 2);
  return new Uint32Array(own.buffer, own.byteOffset, own.byteLength / 4);
}

interface Dimension {
  readonly extent: number;
  readonly stride: number;
}

/**
 * Drops dimensions of size 1 and joins those that one stride walks. Every one left has at least two elements, so the
 * odometer below takes two steps per element on average, whatever the number of dimensions.
 */
function mergeDimensions(dims: readonly Dimension[]): Dimension[] {
  const merged: Dimension[] = [];
  for (const dim of dims) {
    if (dim.extent === 1) continue;
    const before = merged.at(-1);
    if (before !== undefined && before.stride === dim.stride * dim.extent) {
      merged[merged.length - 1] = { extent: before.extent * dim.extent, stride: dim.stride };
    } else merged.push(dim);
  }
  return merged;
}

function copy(from: Units, start: number, to: Units, dims: readonly Dimension[]): void {
  const inner = dims.at(-1) ?? { extent: 1, stride: 0 };
  const outer = dims.slice(0, -1);
  const index = new Array<number>(outer.length).fill(0);
  let base = start;
  for (let at = 0; at < to.length; ) {
    for (let i = 0, place = base; i < inner.extent; i++, place += inner.stride) to[at++] = from[place]!;
    // Odometer: increment the last index that is not at its end; reset the indices after it to 0.
    for (let i = outer.length - 1; i >= 0; i--) {
      const { extent, stride } = outer[i]!;
      base += stride;
      if (++index[i]! < extent) break;
      base -= extent * stride;
      index[i] = 0;
    }
  }
}
