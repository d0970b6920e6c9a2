/**
 * Pillow's BILINEAR resize of 8-bit RGB pictures, bit for bit (Pillow 9, src/libImaging/Resample.c). It uses a triangle
 * filter that widens when shrinking and integer coefficients of 22 bits. The horizontal pass comes first and stores
 * bytes. Bilinear resizes of other libraries differ in phase, order and rounding, so the decoder cannot do this.
 */

/** Part of a picture, in whole pixels. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

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

/**
 * Resizes the `box` of a picture (by default the whole picture) to `outWidth`×`outHeight`. It never reads pixels
 * outside the box, as if the box had been cropped first.
 *
 * @param source interleaved RGB, `sourceWidth` pixels per row
 * @param out receives interleaved RGB of the window's pixels
 * @param window the part of the result to compute; default: all of it. The rest costs neither time nor memory.
 */
export function resizeBilinear(
  source: Uint8Array,
  sourceWidth: number,
  box: Box,
  outWidth: number,
  outHeight: number,
  out?: Uint8Array,
  scratch: ResizeScratch = { rows: new Uint8Array(0) },
  window: Box = { top: 0, left: 0, height: outHeight, width: outWidth },
): Uint8Array {
  const { top, left, width, height } = window;
  const to = out ?? new Uint8Array(width * height * 3);
  const pitch = sourceWidth * 3;
  const origin = box.top * pitch + box.left * 3;
  const wide = outWidth !== box.width;
  const tall = outHeight !== box.height;
  if (!tall) {
    const first = origin + top * pitch;
    if (wide) horizontal(source, first, pitch, height, axisFilter(box.width, outWidth, left, width), to, width);
    else copyRows(source, first + left * 3, pitch, height, width * 3, to);
    return to;
  }
  const column = axisFilter(box.height, outHeight, top, height);
  if (!wide) {
    vertical(source, origin + left * 3, pitch, column, to, width * 3);
    return to;
  }
  // The rows of the source that the window's rows are made of.
  const first = column.start[0]!;
  const rows = column.start.at(-1)! + column.count.at(-1)! - first;
  const size = rows * width * 3;
  if (scratch.rows.length < size) scratch.rows = new Uint8Array(size);
  const row = axisFilter(box.width, outWidth, left, width);
  horizontal(source, origin + first * pitch, pitch, rows, row, scratch.rows, width);
  vertical(scratch.rows, -first * width * 3, width * 3, column, to, width * 3);
  return to;
}

/**
 * Coefficients of one axis, in double and in Pillow's order of operations (`precompute_coeffs`), for `length` outputs
 * from `from`.
 */
function axisFilter(inSize: number, outSize: number, from: number, length: number): AxisFilter {
  const scale = inSize / outSize;
  const support = Math.max(scale, 1);
  const inverse = 1 / support;
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
      const weight = Math.max(0, 1 - Math.abs((k + first - center + 0.5) * inverse));
      exact[k] = weight;
      sum += weight;
    }
    for (let k = 0; k < reach; k++) {
      const weight = sum === 0 ? exact[k]! : exact[k]! / sum;
      weights[i * taps + k] = Math.trunc(0.5 + weight * (1 << PRECISION_BITS));
    }
    start[i] = first;
    count[i] = reach;
  }
  return { start, count, weights, taps };
}

// A triangle's weights are not negative and sum to 2^22 within a few units. Neither the 32-bit sum nor the resulting
// byte can overflow, so the code below does not clip.

/** Resamples `height` rows to `outWidth` pixels each. */
function horizontal(
  source: Uint8Array,
  origin: number,
  pitch: number,
  height: number,
  filter: AxisFilter,
  out: Uint8Array,
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
  out: Uint8Array,
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
  out: Uint8Array,
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
