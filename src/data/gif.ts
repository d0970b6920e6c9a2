/**
 * GIF's first frame on its screen, as Pillow 9.4 gives it (GifImagePlugin.py): a transparent pixel has its colour, one
 * outside of the frame that of the transparent index, else of index 0, and an index beyond the palette is a grey. sharp
 * knows none of these, and takes four bytes for a pixel.
 */
import { damagedGif, expandLzw } from './gif-lzw.ts';
import { PictureError } from './picture-file.ts';
import type { Source } from './source.ts';

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const CONTROL = 0xf9;
const COMMENT = 0xfe;
const COLORS = 256;
const INTERLACED = 0x40;

interface Frame {
  /** On the screen, pixels. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  /** Red, green and blue of each index. */
  readonly palette: Uint8Array;
  /** The index outside of the frame. */
  readonly outside: number;
  /** Position of the coded indices. */
  readonly start: number;
}

/** Reads the header of a GIF. @throws PictureError if it is damaged; errors of sharp. `decode` likewise */
export function openGif(bytes: Buffer): Source {
  const frame = firstFrame(bytes);
  // Pillow enlarges a screen that is too small.
  const width = Math.max(bytes.readUInt16LE(6), frame.left + frame.width);
  const height = Math.max(bytes.readUInt16LE(8), frame.top + frame.height);
  return { width, height, decode: async () => decodePixels(bytes, frame, width, height) };
}

function firstFrame(bytes: Buffer): Frame {
  const read = (at: number) => bytes[at] ?? damagedGif();
  const word = (at: number) => read(at) + 256 * read(at + 1);
  const paletteBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let palette = 13;
  let length = paletteBytes(read(10));
  let transparent = 0;
  let at = palette + length;
  for (;;) {
    const kind = read(at++);
    if (kind === IMAGE) break;
    if (kind !== EXTENSION) damagedGif();
    const extension = read(at++);
    const size = read(at);
    if (extension === CONTROL) {
      const names = (read(at + 1) & 1) !== 0;
      // Pillow needs the flags and the delay, and the index if the flags say that there is one.
      if (size < (names ? 4 : 3)) damagedGif();
      if (names) transparent = read(at + 4);
    }
    // Pillow reads on behind an empty block, except in a comment.
    if (size === 0 && extension !== COMMENT) damagedGif();
    at = skipBlocks(bytes, at);
  }
  const place = { left: word(at), top: word(at + 2), width: word(at + 4), height: word(at + 6) };
  const flags = read(at + 8);
  at += 9;
  if (place.width === 0 || place.height === 0) throw new PictureError('its first frame has no pixels');
  const local = paletteBytes(flags);
  if (local > 0) {
    [palette, length] = [at, local];
    at += local;
  }
  const greys = Uint8Array.from({ length: 3 * COLORS }, (_, i) => Math.floor(i / 3));
  greys.set(bytes.subarray(palette, palette + length));
  return { ...place, interlaced: (flags & INTERLACED) !== 0, palette: greys, outside: transparent, start: at };
}

/** @returns the position behind the blocks that begin here and the empty one at their end */
function skipBlocks(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes[at] ?? damagedGif();
    at += 1 + length;
    if (length === 0) return at;
  }
}

/**
 * The indices stand at the end of the result's own memory, and the colours grow towards them: a pixel takes three bytes
 * and its index one, so no colour reaches an index that is still needed.
 */
function decodePixels(bytes: Buffer, frame: Frame, width: number, height: number): Uint8Array {
  const { left, top, palette, outside, start } = frame;
  const rgb = new Uint8Array(width * height * 3);
  const count = frame.width * frame.height;
  // Interlaced rows are needed in another order than they come in.
  const indices = frame.interlaced ? new Uint8Array(count) : rgb.subarray(rgb.length - count);
  expandLzw(bytes, start, indices);
  const rowOf = frame.interlaced ? interlacedRows(frame.height) : undefined;
  const put = (index: number, to: number) => {
    rgb[to] = palette[3 * index]!;
    rgb[to + 1] = palette[3 * index + 1]!;
    rgb[to + 2] = palette[3 * index + 2]!;
  };
  for (let y = 0, to = 0; y < height; y++) {
    const isCrossed = y >= top && y < top + frame.height;
    const end = to + 3 * width;
    if (isCrossed) {
      for (const edge = to + 3 * left; to < edge; to += 3) put(outside, to);
      let from = (rowOf ? rowOf[y - top]! : y - top) * frame.width;
      for (const edge = to + 3 * frame.width; to < edge; to += 3) put(indices[from++]!, to);
    }
    for (; to < end; to += 3) put(outside, to);
  }
  return rgb;
}

/** For each row of the picture, which it is in the file: every 8th first, then those between, ever closer. */
function interlacedRows(height: number): Int32Array {
  const rows = new Int32Array(height);
  let next = 0;
  for (const [first, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const) {
    for (let y = first; y < height; y += step) rows[y] = next++;
  }
  return rows;
}
