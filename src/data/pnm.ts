/**
 * Netpbm's pictures (P1 to P6), as Pillow 9.4 reads them and `convert('RGB')` gives them (PpmImagePlugin.py). sharp's
 * prebuilt libvips does not read them. Greys of more than 8 bits are scaled to 16 and then clipped at 255, as in Pillow.
 */
import { CONVERT, PictureError } from './picture-file.ts';
import type { Source } from './source.ts';
import { roundHalfEven } from './transforms.ts';

const isSpace = (byte: number | undefined) => byte === 0x20 || (byte !== undefined && byte >= 9 && byte <= 13);
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;
const HASH = 0x23;
/** Bytes that Pillow reads of a text at once. */
const TEXT_BLOCK = 2 ** 20;
/** A number has at most as many digits. */
const LONGEST_NUMBER = 10;

interface Header {
  readonly kind: number;
  readonly width: number;
  readonly height: number;
  /** The value of white. */
  readonly most: number;
  /** Position of the first pixel. */
  readonly start: number;
}

/** Reads the header of a PNM. @throws PictureError if it is damaged; `decode` likewise */
export function openPnm(bytes: Buffer): Source {
  const header = readHeader(bytes);
  const { width, height } = header;
  return { width, height, decode: async () => decodePixels(bytes, header) };
}

function readHeader(bytes: Buffer): Header {
  const kind = bytes[1]! - 0x30;
  const text = new Numbers(bytes, 2);
  const width = text.next();
  const height = text.next();
  const isBitmap = kind === 1 || kind === 4;
  const most = isBitmap ? 1 : text.next();
  if (most < 1 || most > 65535) damaged(`its largest value is ${most}`);
  if (!isSpace(bytes[text.at])) damaged('no white space follows the header');
  return { kind, width, height, most, start: text.at + 1 };
}

function decodePixels(bytes: Buffer, header: Header): Uint8Array {
  const { kind, width, height, most, start } = header;
  const channels = kind === 3 || kind === 6 ? 3 : 1;
  const count = width * height * channels;
  const pixels = new Uint8Array(width * height * 3);
  const put = (i: number, value: number) => {
    if (channels === 3) pixels[i] = value;
    else pixels.fill(value, i * 3, i * 3 + 3);
  };
  if (kind === 4) {
    const pitch = Math.ceil(width / 8);
    require(bytes, start + pitch * height);
    for (let i = 0; i < count; i++) {
      const x = i % width;
      const byte = bytes[start + Math.floor(i / width) * pitch + (x >> 3)]!;
      put(i, (byte >> (7 - (x & 7))) & 1 ? 0 : 255);
    }
    return pixels;
  }
  const scale = scaleOf(most, channels);
  if (kind >= 5) {
    const wide = most > 255;
    require(bytes, start + count * (wide ? 2 : 1));
    for (let i = 0; i < count; i++) put(i, scale(wide ? bytes.readUInt16BE(start + 2 * i) : bytes[start + i]!));
    return pixels;
  }
  // Each pixel takes a byte or more. Checked first, so that a short file allocates nothing for long.
  require(bytes, start + count);
  const text = new Numbers(bytes, start);
  for (let i = 0; i < count; i++) {
    const value = kind === 1 ? text.nextBit() : text.next();
    if (value > most) damaged(`the value ${value} is larger than ${most}`);
    put(i, kind === 1 ? 255 * (1 - value) : scale(value));
  }
  if (kind !== 1 && isMisread(bytes, start, text.at)) {
    throw new PictureError('a PNM in text of this length is not supported, as Pillow misreads it', CONVERT);
  }
  return pixels;
}

/**
 * Pillow reads text in blocks. A number that the end of a block may have split is held for the next block, but put before
 * the one after that too if the next ends with white space. In comments the ends of blocks are others.
 */
function isMisread(bytes: Buffer, start: number, end: number): boolean {
  if (end - start <= TEXT_BLOCK) return false;
  let holds = false;
  for (let at = start + TEXT_BLOCK; at < end; at += TEXT_BLOCK) {
    if (!isSpace(bytes[at - 1])) holds = true;
    else if (holds) return true;
  }
  return bytes.subarray(start, end).includes(HASH);
}

/** The 8-bit value of a value. A grey above 8 bits becomes one of 16, of which all above 255 are white. */
function scaleOf(most: number, channels: number): (value: number) => number {
  if (most === 255) return (value) => value;
  const isDeepGrey = channels === 1 && most > 255;
  const top = isDeepGrey ? 65535 : 255;
  return (value) => Math.min(255, roundHalfEven((value / most) * top));
}

/** Reads numbers in decimal digits, separated by white space and comments. */
class Numbers {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  next(): number {
    this.#skip();
    const from = this.at;
    let value = 0;
    while (isDigit(this.#bytes[this.at])) {
      value = value * 10 + this.#bytes[this.at++]! - 0x30;
      if (this.at - from > LONGEST_NUMBER) damaged('a number is too long');
    }
    const after = this.#bytes[this.at];
    // Pillow joins the digits before and behind a comment that follows at once.
    if (this.at === from || (after !== undefined && !isSpace(after))) damaged('a number was expected');
    return value;
  }

  /** A single digit, 0 or 1; white space is optional. */
  nextBit(): number {
    this.#skip();
    const value = this.#bytes[this.at++]! - 0x30;
    if (value !== 0 && value !== 1) damaged('a 0 or 1 was expected');
    return value;
  }

  #skip(): void {
    for (;;) {
      const byte = this.#bytes[this.at];
      if (byte === undefined) damaged('truncated');
      if (byte === HASH) {
        while (this.at < this.#bytes.length && this.#bytes[this.at] !== 10 && this.#bytes[this.at] !== 13) this.at++;
      } else if (!isSpace(byte)) return;
      this.at++;
    }
  }
}

function require(bytes: Buffer, needed: number): void {
  if (bytes.length < needed) damaged(`truncated: expected ${needed} bytes or more, found ${bytes.length}`);
}

function damaged(detail: string): never {
  throw new PictureError(`the image file is truncated or damaged (PNM: ${detail})`);
}
