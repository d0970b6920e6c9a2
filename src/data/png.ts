/**
 * PNG by sharp, as Pillow 9.4 gives it. The chunks before the pixels tell two things that sharp does not: whether greys of
 * 16 bits come without alpha, which Pillow clips, and whether the palette is short, which Pillow fills up with greys.
 */
import crc32 from 'crc-32';
import { PictureError } from './picture-file.ts';
import { openWithSharp } from './sharp-source.ts';
import type { Source } from './source.ts';

const SIGNATURE_BYTES = 8;
/** Around the data of a chunk: its length and kind before, its checksum behind. */
const BEFORE = 8;
const BEHIND = 4;

const GREY = 0;
const PALETTE = 3;
const MOST_PALETTE_BITS = 8;
const LONGEST_PALETTE = 3 * 2 ** MOST_PALETTE_BITS;

/**
 * Opens a PNG.
 * @param turns whether to heed the orientation in its EXIF
 * @throws PictureError if its palette is damaged; errors of sharp. `decode` likewise
 */
export async function openPng(bytes: Buffer, turns: boolean): Promise<Source> {
  // The first chunk is the header, else sharp refuses the file. Behind width and height are the bits and the kind.
  const [bits = 0, kind] = bytes.subarray(SIGNATURE_BYTES + BEFORE + 8);
  const clipsGreys = kind === GREY && bits === 16;
  const whole = kind === PALETTE && bits <= MOST_PALETTE_BITS ? fillPalette(bytes, 2 ** bits) : bytes;
  return openWithSharp(whole, 'png', { clipsGreys, turns });
}

/** The file with a palette of so many colours, of which those that it lacks are greys, as in Pillow. */
function fillPalette(bytes: Buffer, colors: number): Buffer {
  let found: Buffer | undefined;
  let start = 0;
  for (let at = SIGNATURE_BYTES; at + BEFORE <= bytes.length; ) {
    const end = at + BEFORE + bytes.readUInt32BE(at) + BEHIND;
    const kind = bytes.toString('latin1', at + 4, at + BEFORE);
    if (kind === 'IDAT' || end > bytes.length) break;
    if (kind === 'PLTE') {
      if (found) damaged('it has two palettes');
      found = bytes.subarray(at, end);
      start = at;
    }
    at = end;
  }
  // Without a palette, or with an odd one, sharp refuses the file.
  const length = found?.readUInt32BE(0) ?? 0;
  if (!found || length > LONGEST_PALETTE || length % 3 !== 0) return bytes;
  const sum = BEFORE + length;
  if (found.readUInt32BE(sum) !== checksum(found.subarray(4, sum))) damaged('the checksum of its palette');
  if (length >= 3 * colors) return bytes;
  const full = Buffer.alloc(BEFORE + 3 * colors + BEHIND);
  found.copy(full, 0, 0, sum);
  full.writeUInt32BE(3 * colors, 0);
  for (let i = length; i < 3 * colors; i++) full[BEFORE + i] = Math.floor(i / 3);
  full.writeUInt32BE(checksum(full.subarray(4, -BEHIND)), full.length - BEHIND);
  return Buffer.concat([bytes.subarray(0, start), full, bytes.subarray(start + found.length)]);
}

/** The CRC-32 of a chunk, without a sign. */
const checksum = (bytes: Uint8Array) => crc32.buf(bytes) >>> 0;

function damaged(detail: string): never {
  throw new PictureError(`the image file is truncated or damaged (PNG: ${detail})`);
}
