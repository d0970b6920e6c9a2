/**
 * GIF's code for indices, a kind of LZW, expanded as Pillow 9.4 does. Where Pillow would go on behind the end of the data,
 * this refuses.
 */
import { PictureError } from './picture-file.ts';

/** A code has at most as many bits, so the table as many strings. */
const MOST_BITS = 12;
const TABLE = 2 ** MOST_BITS;
/** Longer strings are copied at once, which costs a call. */
const LONG = 24;

/**
 * Fills all of `indices`.
 * @param start position of the number of bits, behind which the blocks begin
 * @throws PictureError if the code is broken or has fewer indices
 */
export function expandLzw(bytes: Buffer, start: number, indices: Uint8Array): void {
  const bits = bytes[start] ?? damagedGif();
  if (bits >= MOST_BITS) damagedGif();
  const clear = 1 << bits;
  // A string of the table is one that was put out before: all that is kept is where.
  const places = new Int32Array(TABLE);
  const lengths = new Int32Array(TABLE);
  let next = clear + 2;
  let width = bits + 1;
  /** The string before; of no length after the table was cleared. */
  let place = 0;
  let length = 0;
  let at = start + 1;
  let blockEnd = at;
  let buffer = 0;
  let buffered = 0;
  for (let done = 0; done < indices.length; ) {
    while (buffered < width) {
      if (at === blockEnd) {
        const size = bytes[at++] ?? damagedGif();
        blockEnd = at + size;
        if (size === 0 || blockEnd > bytes.length) damagedGif();
      }
      buffer |= bytes[at++]! << buffered;
      buffered += 8;
    }
    const code = buffer & ((1 << width) - 1);
    buffer >>>= width;
    buffered -= width;
    if (code === clear) {
      next = clear + 2;
      width = bits + 1;
      length = 0;
      continue;
    }
    let copied = 1;
    if (code < clear) {
      indices[done] = code;
    } else {
      // The next string, not yet known, is the one before and its own first index.
      if (code === clear + 1 || length === 0 || code > next) damagedGif();
      const from = code === next ? place : places[code]!;
      copied = Math.min(code === next ? length + 1 : lengths[code]!, indices.length - done);
      if (copied >= LONG && from + copied <= done) indices.copyWithin(done, from, from + copied);
      else for (let i = 0; i < copied; i++) indices[done + i] = indices[from + i]!;
    }
    if (length > 0 && next < TABLE) {
      places[next] = place;
      lengths[next] = length + 1;
      if (next === (1 << width) - 1 && width < MOST_BITS) width++;
      next++;
    }
    place = done;
    length = copied;
    done += copied;
  }
}

export function damagedGif(): never {
  throw new PictureError('the image file is truncated or damaged (GIF)');
}
