/**
 * Pillow's BILINEAR and BICUBIC resizes of 8-bit RGB pictures, bit for bit (Pillow 9, src/libImaging/Resample.c). The
 * filter widens when shrinking, and its coefficients are integers of 22 bits. The horizontal pass comes first and stores
 * bytes. Resizes of other libraries differ in phase, order and rounding, so the decoder cannot do this.
 */
import type { Interpolation } from '../input-spec.ts';

/** Part of a picture, in whole pixels. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** A filter: what it makes of the distance from the output's centre, and how far it reaches, both in widths of an input. */
interface Filter {
  readonly support: number;
  readonly weightAt: (distance: number) => number;
}

const FILTERS: Readonly<Record<Interpolation, Filter>> = {
  bilinear: { support: 1, weightAt: (distance) => Math.max(0, 1 - Math.abs(distance)) },
  bicubic: { support: 2, weightAt: (distance) => cubic(Math.abs(distance)) },
};

/** Keys' cubic with a = −1/2, in Pillow's order of operations. */
function cubic(x: number): number {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** The resampling of one axis: output i is the weighted sum of `count[i]` inputs from `start[i]`. */
interface AxisFilter {
  readonly start: Int32Array;
  readonly count: Int32Array;
  /** Coefficients × 2^22; those of output i begin at i·taps. */
  readonly weights: Int32Array;
  readonly taps: number;
}

/** Memory that a caller may keep between calls to avoid allocations. */
export interface ResizeScratch {
  rows: Uint8Array;
}

/** How to resize. */
export interface ResizeOptions {
  /** Default `bilinear`. */
  readonly interpolation?: Interpolation | undefined;
  /** Receives interleaved RGB of the window's pixels. */
  readonly out?: Uint8Array | undefined;
  readonly scratch?: ResizeScratch | undefined;
  /** The part of the result to compute; default: all of it. The rest costs neither time nor memory. */
  readonly window?: Box | undefined;
}

/**
 * Resizes the `box` of a picture to `outWidth`×`outHeight`. It never reads pixels outside the box, as if the box had been
 * cropped first.
 *
 * @param source interleaved RGB, `sourceWidth` pixels per row
 * @returns interleaved RGB of the window: `out` if that is given
 */
export function resize(
  source: Uint8Array,
  sourceWidth: number,
  box: Box,
  outWidth: number,
  outHeight: number,
  options: ResizeOptions = {},
): Uint8Array {
  const { interpolation = 'bilinear', scratch = { rows: new Uint8Array(0) } } = options;
  const { window = { top: 0, left: 0, height: outHeight, width: outWidth } } = options;
  const { top, left, width, height } = window;
  const to = options.out ?? new Uint8Array(width * height * 3);
  const filter = FILTERS[interpolation];
  // What a filter without negative weights gives fits a byte.
  const bytes = (array: Uint8Array) => (interpolation === 'bilinear' ? array : clamped(array));
  const pitch = sourceWidth * 3;
  const origin = box.top * pitch + box.left * 3;
  const wide = outWidth !== box.width;
  const tall = outHeight !== box.height;
  if (!tall) {
    const first = origin + top * pitch;
    if (wide)
      horizontal(source, first, pitch, height, axisFilter(filter, box.width, outWidth, left, width), bytes(to), width);
    else copyRows(source, first + left * 3, pitch, height, width * 3, to);
    return to;
  }
  const column = axisFilter(filter, box.height, outHeight, top, height);
  if (!wide) {
    vertical(source, origin + left * 3, pitch, column, bytes(to), width * 3);
    return to;
  }
  // The rows of the source that the window's rows are made of.
  const first = column.start[0]!;
  const rows = column.start.at(-1)! + column.count.at(-1)! - first;
  const size = rows * width * 3;
  if (scratch.rows.length < size) scratch.rows = new Uint8Array(size);
  const row = axisFilter(filter, box.width, outWidth, left, width);
  horizontal(source, origin + first * pitch, pitch, rows, row, bytes(scratch.rows), width);
  vertical(scratch.rows, -first * width * 3, width * 3, column, bytes(to), width * 3);
  return to;
}

/** The same memory; what is written beyond a byte becomes 0 or 255. */
function clamped({ buffer, byteOffset, length }: Uint8Array): Uint8ClampedArray {
  return new Uint8ClampedArray(buffer, byteOffset, length);
}

/**
 * Coefficients of one axis, in double and in Pillow's order of operations (`precompute_coeffs`), for `length` outputs
 * from `from`.
 */
function axisFilter(
  { support: reachOf, weightAt }: Filter,
  inSize: number,
  outSize: number,
  from: number,
  length: number,
): AxisFilter {
  const scale = inSize / outSize;
  const widening = Math.max(scale, 1);
  const support = reachOf * widening;
  const inverse = 1 / widening;
  const taps = Math.ceil(support) * 2 + 1;
  const start = new Int32Array(length);
  const count = new Int32Array(length);
  const weights = new Int32Array(length * taps);
  const exact = new Float64Array(taps);
  for (let i = 0; i < length; i++) {
    const center = (from + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const reach = Math.min(inSize, Math.trunc(center + support + 0.5)) - first;
    let sum = 0;
    for (let k = 0; k < reach; k++) {
      const weight = weightAt((k + first - center + 0.5) * inverse);
      exact[k] = weight;
      sum += weight;
    }
    for (let k = 0; k < reach; k++) {
      const weight = sum === 0 ? exact[k]! : exact[k]! / sum;
      weights[i * taps + k] = Math.trunc(Math.sign(weight) * 0.5 + weight * (1 << PRECISION_BITS));
    }
    start[i] = first;
    count[i] = reach;
  }
  return { start, count, weights, taps };
}

// Weights sum to 2^22 within a few units. A triangle's are not negative, so that neither the 32-bit sum nor the byte can
// overflow. Those of a cubic sum to 5/4 of it without their signs: the 32-bit sum holds, and the byte must be clamped.

/** Resamples `height` rows to `outWidth` pixels each. */
function horizontal(
  source: Uint8Array,
  origin: number,
  pitch: number,
  height: number,
  filter: AxisFilter,
  out: Uint8Array | Uint8ClampedArray,
  outWidth: number,
): void {
  const { start, count, weights, taps } = filter;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = origin + y * pitch;
    for (let x = 0; x < outWidth; x++) {
      let from = row + start[x]! * 3;
      let w = x * taps;
      const end = w + count[x]!;
      let r = HALF;
      let g = HALF;
      let b = HALF;
      for (; w < end; w++, from += 3) {
        const weight = weights[w]!;
        r = (r + Math.imul(source[from]!, weight)) | 0;
        g = (g + Math.imul(source[from + 1]!, weight)) | 0;
        b = (b + Math.imul(source[from + 2]!, weight)) | 0;
      }
      out[to] = r >> PRECISION_BITS;
      out[to + 1] = g >> PRECISION_BITS;
      out[to + 2] = b >> PRECISION_BITS;
      to += 3;
    }
  }
}

/** Resamples columns: every output row is a weighted sum of input rows of `rowBytes` bytes. */
function vertical(
  source: Uint8Array,
  origin: number,
  pitch: number,
  filter: AxisFilter,
  out: Uint8Array | Uint8ClampedArray,
  rowBytes: number,
): void {
  const { start, count, weights, taps } = filter;
  const outHeight = start.length;
  for (let y = 0; y < outHeight; y++) {
    weightedRows(source, origin + start[y]! * pitch, pitch, weights, y * taps, count[y]!, out, y * rowBytes, rowBytes);
  }
}

/**
 * One output row of the vertical pass. The usual numbers of input rows are unrolled, which saves a quarter of the time.
 */
function weightedRows(
  source: Uint8Array,
  first: number,
  pitch: number,
  weights: Int32Array,
  w: number,
  count: number,
  out: Uint8Array | Uint8ClampedArray,
  to: number,
  rowBytes: number,
): void {
  const w0 = weights[w]!;
  const w1 = weights[w + 1]!;
  const w2 = weights[w + 2]!;
  const row1 = first + pitch;
  const row2 = row1 + pitch;
  if (count === 2) {
    for (let x = 0; x < rowBytes; x++) {
      const sum = Math.imul(source[first + x]!, w0) + Math.imul(source[row1 + x]!, w1);
      out[to + x] = (sum + HALF) >> PRECISION_BITS;
    }
  } else if (count === 3) {
    for (let x = 0; x < rowBytes; x++) {
      const sum =
        Math.imul(source[first + x]!, w0) + Math.imul(source[row1 + x]!, w1) + Math.imul(source[row2 + x]!, w2);
      out[to + x] = (sum + HALF) >> PRECISION_BITS;
    }
  } else if (count === 4) {
    const w3 = weights[w + 3]!;
    const row3 = row2 + pitch;
    for (let x = 0; x < rowBytes; x++) {
      const sum =
        Math.imul(source[first + x]!, w0) +
        Math.imul(source[row1 + x]!, w1) +
        Math.imul(source[row2 + x]!, w2) +
        Math.imul(source[row3 + x]!, w3);
      out[to + x] = (sum + HALF) >> PRECISION_BITS;
    }
  } else {
    for (let x = 0; x < rowBytes; x++) {
      let sum = HALF;
      let from = first + x;
      for (let k = 0; k < count; k++, from += pitch) sum = (sum + Math.imul(source[from]!, weights[w + k]!)) | 0;
      out[to + x] = sum >> PRECISION_BITS;
    }
  }
}

function copyRows(
  source: Uint8Array,
  origin: number,
  pitch: number,
  height: number,
  rowBytes: number,
  out: Uint8Array,
): void {
  for (let y = 0; y < height; y++) {
    const from = origin + y * pitch;
    out.set(source.subarray(from, from + rowBytes), y * rowBytes);
  }
}
