/**
 * GIF's first frame on its screen, as Pillow gives it: pixels that are transparent, or outside of the frame, get the
 * colour of the transparent index, else of index 0. sharp leaves such pixels without a colour.
 */
import { CONVERT, PictureError } from './picture-file.ts';
import { openWithSharp } from './sharp-source.ts';
import type { Source } from './source.ts';

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const CONTROL = 0xf9;

/** Opens a GIF. @throws PictureError if it is damaged or of an unusual kind; errors of sharp. `decode` likewise */
export async function openGif(bytes: Buffer): Promise<Source> {
  const source = await openWithSharp(bytes, 'gif');
  const frame = firstFrame(bytes);
  const { width, height } = source;
  if (frame.width !== width || frame.height !== height) {
    throw new PictureError('sharp finds another size than its header says', CONVERT);
  }
  return { width, height, decode: async () => colour(await source.image().ensureAlpha().raw().toBuffer(), frame) };
}

interface Frame {
  /** Of the screen, pixels. */
  readonly width: number;
  readonly height: number;
  /** The frame's columns and rows on it: the first, and the one behind the last. */
  readonly columns: readonly [number, number];
  readonly rows: readonly [number, number];
  /** Red, green and blue of pixels without a colour. */
  readonly hidden: readonly number[];
}

function firstFrame(bytes: Buffer): Frame {
  const read = (at: number) => bytes[at] ?? damaged();
  const word = (at: number) => read(at) + 256 * read(at + 1);
  const paletteBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  const screenFlags = read(10);
  let palette = 13;
  let length = paletteBytes(screenFlags);
  let transparent = 0;
  for (let at = palette + length; ; ) {
    const kind = read(at++);
    if (kind === IMAGE) {
      const [left, top, width, height] = [word(at), word(at + 2), word(at + 4), word(at + 6)];
      if (width === 0 || height === 0) throw new PictureError('its first frame has no pixels');
      if (left + width > word(6) || top + height > word(8)) {
        throw new PictureError('its first frame reaches beyond its screen', CONVERT);
      }
      const local = paletteBytes(read(at + 8));
      if (local > 0) [palette, length] = [at + 9, local];
      // Without a palette, an index is a grey value.
      const from = palette + 3 * transparent;
      const isListed = 3 * transparent < length;
      const hidden = [0, 1, 2].map((c) => (isListed ? read(from + c) : transparent));
      const place = { columns: [left, left + width], rows: [top, top + height] } as const;
      return { width: word(6), height: word(8), ...place, hidden };
    }
    if (kind !== EXTENSION) damaged();
    if (read(at++) === CONTROL && read(at) >= 4 && read(at + 1) & 1) transparent = read(at + 4);
    while (read(at) > 0) at += 1 + read(at);
    at++;
  }
}

function colour(rgba: Buffer, { width, height, columns, rows, hidden }: Frame): Uint8Array {
  if (rgba.length !== width * height * 4) damaged();
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    const isRow = y >= rows[0] && y < rows[1];
    for (let x = 0; x < width; x++, from += 4, to += 3) {
      const isHidden = !isRow || x < columns[0] || x >= columns[1] || rgba[from + 3] === 0;
      for (let c = 0; c < 3; c++) rgb[to + c] = isHidden ? hidden[c]! : rgba[from + c]!;
    }
  }
  return rgb;
}

function damaged(): never {
  throw new PictureError('the image file is truncated or damaged (GIF)');
}
