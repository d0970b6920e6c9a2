/**
 * Windows and OS/2 bitmaps, as Pillow 9.4 reads them (BmpImagePlugin.py). sharp's libvips does not read them. Files that
 * Pillow misreads are refused, as their pixels would be unlike PyTorch's.
 */
import { CONVERT, PictureError } from './picture-file.ts';
import type { Source } from './source.ts';

const RAW = 0;
const RLE8 = 1;
const RLE4 = 2;
const BIT_FIELDS = 3;

/** Where red, green and blue are in a pixel's bytes, by bits and masks of red, green, blue and alpha. */
const LAYOUTS: Readonly<Record<string, readonly [number, number, number]>> = {
  '32 ff0000 ff00 ff 0': [2, 1, 0],
  '32 ff000000 ff0000 ff00 0': [3, 2, 1],
  '32 ff000000 ff0000 ff00 ff': [3, 2, 1],
  '32 ff ff00 ff0000 ff000000': [0, 1, 2],
  '32 ff0000 ff00 ff ff000000': [2, 1, 0],
  '32 0 0 0 0': [2, 1, 0],
  '24 ff0000 ff00 ff': [2, 1, 0],
};
const MASKS_565 = '16 f800 7e0 1f';
const MASKS_555 = '16 7c00 3e0 1f';

interface Header {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Entries of the palette as the file says, or as many as the bits can name. */
  readonly colors: number;
  /** Bytes of an entry. */
  readonly entryBytes: 3 | 4;
  /** Position behind the header. */
  readonly end: number;
  readonly masks: readonly number[];
}

/** Reads the header of a BMP. @throws PictureError if it is damaged or of an unknown kind; `decode` likewise */
export function openBmp(bytes: Buffer): Source {
  const header = readHeader(bytes);
  const { width, height } = header;
  return { width, height, decode: async () => decodePixels(bytes, header) };
}

function readHeader(bytes: Buffer): Header {
  require(bytes, 18);
  const size = bytes.readUInt32LE(14);
  if (![12, 40, 64, 108, 124].includes(size)) unsupported(`a header of ${size} bytes`);
  require(bytes, 14 + size);
  if (size === 12) {
    const bits = bytes.readUInt16LE(24);
    return {
      ...{ width: bytes.readUInt16LE(18), height: bytes.readUInt16LE(20), topDown: false, bits, compression: RAW },
      ...{ colors: 2 ** Math.min(bits, 16), entryBytes: 3, end: 26, masks: [] },
    };
  }
  const topDown = bytes[25] === 0xff;
  const bits = bytes.readUInt16LE(28);
  const compression = bytes.readUInt32LE(30);
  const inHeader = size >= 108;
  let end = 14 + size;
  let masks: number[] = [];
  if (compression === BIT_FIELDS) {
    // In OS/2's header the same number means Huffman's code.
    if (size === 64) unsupported('Huffman compression');
    if (!inHeader) require(bytes, end + 12);
    masks = [0, 4, 8].map((at) => bytes.readUInt32LE(54 + at));
    masks.push(inHeader ? bytes.readUInt32LE(66) : 0);
    if (!inHeader) end += 12;
  }
  const height = bytes.readUInt32LE(22);
  return {
    ...{ width: bytes.readUInt32LE(18), height: topDown ? 2 ** 32 - height : height, topDown, bits, compression },
    ...{ colors: bytes.readUInt32LE(46) || 2 ** Math.min(bits, 32), entryBytes: 4, end, masks },
  };
}

function decodePixels(bytes: Buffer, header: Header): Uint8Array {
  const { bits, compression, colors, end, masks, entryBytes } = header;
  let start = bytes.readUInt32LE(10);
  if (bits <= 8) {
    if (![1, 4, 8].includes(bits)) unsupported(`${bits} bits`);
    if (colors > 256) unsupported(`a palette of ${colors} colours`);
    // Pillow's remedy for files that forget the palette here.
    if (start === bytes.readUInt32LE(14) + 14) start += 4 * colors;
    if (start === 0) start = end + entryBytes * colors;
    const palette = readPalette(bytes, header);
    if (compression === RAW) return indexed(bytes, start, header, palette);
    // Pillow reads either code for any number of bits; a writer means those that fit.
    if (compression === (bits === 8 ? RLE8 : bits === 4 ? RLE4 : -1)) {
      return colour(header, runLengths(bytes, start, header), palette);
    }
    return unsupported(`${bits} bits and compression ${compression}`);
  }
  if (start === 0) start = end;
  if (compression === RAW && bits === 16) return packed(bytes, start, header, 5);
  if (compression === RAW && bits === 24) return direct(bytes, start, header, [2, 1, 0]);
  if (compression === RAW && bits === 32) return direct(bytes, start, header, [2, 1, 0]);
  if (compression !== BIT_FIELDS) return unsupported(`${bits} bits and compression ${compression}`);
  const layout = [bits, ...masks.slice(0, bits === 32 ? 4 : 3).map((mask) => mask.toString(16))].join(' ');
  if (layout === MASKS_565) return packed(bytes, start, header, 6);
  if (layout === MASKS_555) return packed(bytes, start, header, 5);
  const places = LAYOUTS[layout];
  return places ? direct(bytes, start, header, places) : unsupported(`bit fields of this layout (${layout})`);
}

/** Red, green and blue of each entry. */
function readPalette(bytes: Buffer, { colors, entryBytes, end, bits, compression }: Header): Uint8Array {
  require(bytes, end + colors * entryBytes);
  const palette = new Uint8Array(colors * 3);
  for (let i = 0; i < colors; i++) {
    for (let c = 0; c < 3; c++) palette[i * 3 + c] = bytes[end + i * entryBytes + 2 - c]!;
  }
  // Pillow takes such a palette for grey values of 8 bits, or of one if there are two, whatever the bits are.
  const grey = palette.every((value, i) => value === (colors === 2 ? 255 : 1) * Math.floor(i / 3));
  const misread = grey && bits !== (colors === 2 ? 1 : 8);
  if (misread && (compression === RAW || colors === 2)) {
    unsupported(`${bits} bits and a palette of ${colors} greys, which Pillow misreads,`);
  }
  return palette;
}

/** Bytes of a row in the file, and the position of row y of the picture. */
function rows({ width, height, topDown, bits }: Header, bytes: Buffer, start: number): (y: number) => number {
  const pitch = Math.floor((width * bits + 31) / 32) * 4;
  // The padding of the last row may be missing.
  require(bytes, start + pitch * (height - 1) + Math.ceil((width * bits) / 8));
  return (y) => start + pitch * (topDown ? y : height - 1 - y);
}

function direct(bytes: Buffer, start: number, header: Header, places: readonly [number, number, number]): Uint8Array {
  const { width, height, bits } = header;
  const rowAt = rows(header, bytes, start);
  const pixels = new Uint8Array(width * height * 3);
  const [red, green, blue] = places;
  for (let y = 0, to = 0; y < height; y++) {
    let from = rowAt(y);
    for (let x = 0; x < width; x++, from += bits / 8, to += 3) {
      pixels[to] = bytes[from + red]!;
      pixels[to + 1] = bytes[from + green]!;
      pixels[to + 2] = bytes[from + blue]!;
    }
  }
  return pixels;
}

/** Two bytes a pixel: 5 bits of red, 5 or 6 of green, 5 of blue, widened as Pillow does. */
function packed(bytes: Buffer, start: number, header: Header, greenBits: 5 | 6): Uint8Array {
  const { width, height } = header;
  const rowAt = rows(header, bytes, start);
  const pixels = new Uint8Array(width * height * 3);
  const most = 2 ** greenBits - 1;
  for (let y = 0, to = 0; y < height; y++) {
    const row = rowAt(y);
    for (let x = 0; x < width; x++, to += 3) {
      const value = bytes[row + 2 * x]! | (bytes[row + 2 * x + 1]! << 8);
      pixels[to] = Math.floor((((value >> (5 + greenBits)) & 31) * 255) / 31);
      pixels[to + 1] = Math.floor((((value >> 5) & most) * 255) / most);
      pixels[to + 2] = Math.floor(((value & 31) * 255) / 31);
    }
  }
  return pixels;
}

/** The leftmost pixel is in the high bits of a byte. */
function indexed(bytes: Buffer, start: number, header: Header, palette: Uint8Array): Uint8Array {
  const { width, height, bits } = header;
  const rowAt = rows(header, bytes, start);
  const indices = new Uint8Array(width * height);
  const most = 2 ** bits - 1;
  for (let y = 0, to = 0; y < height; y++) {
    const row = rowAt(y);
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      indices[to++] = (bytes[row + Math.floor(bit / 8)]! >> (8 - bits - (bit % 8))) & most;
    }
  }
  return colour(header, indices, palette);
}

function colour({ width, height }: Header, indices: Uint8Array, palette: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i]! * 3;
    if (from >= palette.length) damaged(`a pixel has colour ${indices[i]} of a palette of ${palette.length / 3}`);
    for (let c = 0; c < 3; c++) pixels[i * 3 + c] = palette[from + c]!;
  }
  return pixels;
}

/**
 * Expands run lengths (4 or 8 bits). Pillow 9.4 misreads skipped pixels and odd literal runs of 4 bits, so these are
 * refused.
 */
function runLengths(bytes: Buffer, start: number, { width, height, topDown, bits }: Header): Uint8Array {
  const indices = new Uint8Array(width * height);
  let at = start;
  let filled = 0;
  let x = 0;
  const put = (index: number) => {
    if (x++ >= width || filled >= indices.length) damaged('a run leaves its row');
    const y = Math.floor(filled / width);
    indices[(topDown ? y : height - 1 - y) * width + (filled % width)] = index;
    filled++;
  };
  const nibble = (byte: number, i: number) => (bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
  while (filled < indices.length) {
    require(bytes, at + 2);
    const count = bytes[at]!;
    const value = bytes[at + 1]!;
    at += 2;
    if (count > 0) {
      for (let i = 0; i < count; i++) put(nibble(value, i));
    } else if (value === 0) {
      while (filled % width !== 0) put(0);
      x = 0;
    } else if (value === 1) {
      damaged('it ends before its last row');
    } else if (value === 2) {
      unsupported('skipped pixels');
    } else {
      if (bits === 4 && value % 2 === 1) unsupported('an odd run of single pixels of 4 bits, which Pillow misreads,');
      const length = Math.ceil((value * bits) / 8);
      require(bytes, at + length);
      for (let i = 0; i < value; i++) put(nibble(bytes[at + (bits === 8 ? i : i >> 1)]!, i));
      // Runs end on an even position of the file.
      at += length + ((at + length) % 2);
    }
  }
  return indices;
}

function require(bytes: Buffer, needed: number): void {
  if (bytes.length < needed) damaged(`truncated: expected ${needed} bytes or more, found ${bytes.length}`);
}

function damaged(detail: string): never {
  throw new PictureError(`the image file is truncated or damaged (BMP: ${detail})`);
}

function unsupported(kind: string): never {
  throw new PictureError(`a BMP with ${kind} is not supported`, CONVERT);
}
