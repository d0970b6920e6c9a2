/**
 * Two formats of ImageFolder's list that sharp's prebuilt libvips does not read: Windows bitmaps (uncompressed, with
 * 1, 4, 8, 24 or 32 bits) and binary PPM and PGM. Both are a header and raw pixels.
 */
import type { Picture } from './transforms.ts';

/** Reads a BMP or a binary PNM; undefined if `bytes` is neither. Throws an Error that names an unsupported feature. */
export function decodePlain(bytes: Buffer): Picture | undefined {
  const magic = bytes.toString('latin1', 0, 2);
  if (magic === 'BM' && bytes.length >= 54) return decodeBmp(bytes);
  if (magic === 'P5' || magic === 'P6') return decodePnm(bytes, magic === 'P6' ? 3 : 1);
  return undefined;
}

function decodeBmp(bytes: Buffer): Picture {
  const start = bytes.readUInt32LE(10);
  const headerSize = bytes.readUInt32LE(14);
  const width = headerSize >= 40 ? bytes.readInt32LE(18) : 0;
  const signedHeight = bytes.readInt32LE(22);
  const bits = bytes.readUInt16LE(28);
  const compression = bytes.readUInt32LE(30);
  // Bit fields (3) of 32 bits almost always have the plain order blue, green, red, alpha.
  const plain = compression === 0 || (compression === 3 && bits === 32);
  if (width <= 0 || signedHeight === 0 || !plain || ![1, 4, 8, 24, 32].includes(bits)) {
    throw new Error(`a BMP with ${bits} bits and compression ${compression} is not supported: convert it to PNG`);
  }
  const height = Math.abs(signedHeight);
  const pitch = Math.ceil((width * bits) / 32) * 4;
  requireBytes(bytes, start + pitch * height);
  const palette = 14 + headerSize;
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    // A positive height means that the bottom row comes first.
    const row = start + pitch * (signedHeight > 0 ? height - 1 - y : y);
    for (let x = 0; x < width; x++) {
      const from = bits >= 24 ? row + (x * bits) / 8 : palette + 4 * index(bytes, row, x, bits);
      const to = (y * width + x) * 3;
      pixels[to] = bytes[from + 2]!;
      pixels[to + 1] = bytes[from + 1]!;
      pixels[to + 2] = bytes[from]!;
    }
  }
  return { width, height, pixels };
}

/** The palette index of pixel x; the leftmost pixel is in the high bits of a byte. */
function index(bytes: Buffer, row: number, x: number, bits: number): number {
  const bit = x * bits;
  return (bytes[row + (bit >> 3)]! >> (8 - bits - (bit & 7))) & ((1 << bits) - 1);
}

function decodePnm(bytes: Buffer, channels: 1 | 3): Picture {
  // Width, height and largest value, separated by white space and comments. One white space precedes the pixels.
  const header = /^P[56](?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s/.exec(
    bytes.toString('latin1', 0, 4096),
  );
  if (!header) throw new Error('the PNM header is damaged');
  const [width, height, largest] = header.slice(1).map(Number) as [number, number, number];
  if (largest !== 255)
    throw new Error(`a PNM whose largest value is ${largest}, not 255, is not supported: convert it to PNG`);
  const start = header[0].length;
  requireBytes(bytes, start + width * height * channels);
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = bytes[start + (channels === 3 ? i : (i / 3) | 0)]!;
  return { width, height, pixels };
}

function requireBytes(bytes: Buffer, needed: number): void {
  if (bytes.length < needed)
    throw new Error(`the image file is truncated: expected ${needed} bytes, found ${bytes.length}`);
}
