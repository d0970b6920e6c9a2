/**
 * GIF's first frame on its screen, as Pillow 9.4 gives it (GifImagePlugin.py): a transparent pixel has its colour, one
 * outside of the frame that of the transparent index, else of index 0, and an index beyond the palette is a grey. sharp
 * knows none of these, so it gets the frame with a palette of greys and gives the indices back.
 */
import { PictureError } from './picture-file.ts';
import { openWithSharp } from './sharp-source.ts';
import type { Source } from './source.ts';

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;
const CONTROL = 0xf9;
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
  /** The coded indices, with the number of their bits before and an empty block behind them. */
  readonly data: Buffer;
}

/** Reads the header of a GIF. @throws PictureError if it is damaged; errors of sharp. `decode` likewise */
export function openGif(bytes: Buffer): Source {
  const frame = firstFrame(bytes);
  // Pillow enlarges a screen that is too small.
  const width = Math.max(bytes.readUInt16LE(6), frame.left + frame.width);
  const height = Math.max(bytes.readUInt16LE(8), frame.top + frame.height);
  return { width, height, decode: async () => colour(await indicesOf(frame), frame, width, height) };
}

function firstFrame(bytes: Buffer): Frame {
  const read = (at: number) => bytes[at] ?? damaged();
  const word = (at: number) => read(at) + 256 * read(at + 1);
  const paletteBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let palette = 13;
  let length = paletteBytes(read(10));
  let transparent = 0;
  let at = palette + length;
  for (;;) {
    const kind = read(at++);
    if (kind === IMAGE) break;
    if (kind !== EXTENSION) damaged();
    if (read(at++) === CONTROL && read(at) >= 4 && read(at + 1) & 1) transparent = read(at + 4);
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
  const end = skipBlocks(bytes, at + 1);
  const greys = Uint8Array.from({ length: 3 * COLORS }, (_, i) => Math.floor(i / 3));
  greys.set(bytes.subarray(palette, palette + length));
  const data = bytes.subarray(at, end);
  return { ...place, interlaced: (flags & INTERLACED) !== 0, palette: greys, outside: transparent, data };
}

/** @returns the position behind the blocks that begin here and the empty one at their end */
function skipBlocks(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes[at] ?? damaged();
    at += 1 + length;
    if (length === 0) return at;
  }
}

/** The index of each pixel. Those that the file lacks stay transparent, whichever index is declared to be so. */
async function indicesOf(frame: Frame): Promise<Uint8Array> {
  const indices = new Uint8Array(frame.width * frame.height);
  const first = await greysOf(frame, COLORS - 1);
  let second: Buffer | undefined;
  for (let i = 0; i < indices.length; i++) {
    if (first[4 * i + 3] === 0) {
      second ??= await greysOf(frame, COLORS - 2);
      if (second[4 * i + 3] === 0) damaged();
    }
    indices[i] = (second ?? first)[4 * i]!;
    if (second && second[4 * i + 3] === 0) indices[i] = first[4 * i]!;
  }
  return indices;
}

/** The frame by itself, index as grey, with an alpha that is 0 for one index; 4 bytes a pixel. */
async function greysOf({ width, height, interlaced, data }: Frame, transparent: number): Promise<Buffer> {
  const greys = Array.from({ length: 3 * COLORS }, (_, i) => Math.floor(i / 3));
  const size = [width & 255, width >> 8, height & 255, height >> 8];
  const control = [EXTENSION, CONTROL, 4, 1, 0, 0, transparent, 0];
  const head = [...size, 0xf7, 0, 0, ...greys, ...control, IMAGE, 0, 0, 0, 0, ...size, interlaced ? INTERLACED : 0];
  const gif = Buffer.concat([Buffer.from('GIF89a'), Buffer.from(head), data, Buffer.of(TRAILER)]);
  const source = await openWithSharp(gif, 'gif');
  const pixels = await source.image().toColourspace('srgb').ensureAlpha().raw().toBuffer();
  return pixels.length === width * height * 4 ? pixels : damaged();
}

function colour(indices: Uint8Array, frame: Frame, width: number, height: number): Uint8Array {
  const { left, top, palette, outside } = frame;
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = y >= top && y < top + frame.height ? (y - top) * frame.width - left : undefined;
    for (let x = 0; x < width; x++, to += 3) {
      const isInside = row !== undefined && x >= left && x < left + frame.width;
      const from = 3 * (isInside ? indices[row + x]! : outside);
      rgb[to] = palette[from]!;
      rgb[to + 1] = palette[from + 1]!;
      rgb[to + 2] = palette[from + 2]!;
    }
  }
  return rgb;
}

function damaged(): never {
  throw new PictureError('the image file is truncated or damaged (GIF)');
}
