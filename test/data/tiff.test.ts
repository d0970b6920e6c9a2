/** TIFF: the orientation tag, and the kinds whose pixels sharp does not give as Pillow does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode, loadSharp, readSize } from '../../src/data/index.ts';
import { peakMemory } from '../support/peak-memory.ts';
import { tiffBytes } from '../support/picture-bytes.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dawngrad-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function decodeTiff(bytes: Buffer) {
  const path = join(folder, 'a.tif');
  writeFileSync(path, bytes);
  const { width, height, pixels } = await decode(path);
  expect(await readSize(path)).toEqual({ width, height });
  return { width, height, pixels };
}

const GREY = { 258: 8, 262: 1, 277: 1 };
const RGB = { 258: [8, 8, 8], 262: 2, 277: 3 };

describe('orientation', () => {
  // Of the rows 1 2 3 and 4 5 6.
  const expected: Record<number, readonly [number, number[]]> = {
    1: [3, [1, 2, 3, 4, 5, 6]],
    2: [3, [3, 2, 1, 6, 5, 4]],
    3: [3, [6, 5, 4, 3, 2, 1]],
    4: [3, [4, 5, 6, 1, 2, 3]],
    5: [2, [1, 4, 2, 5, 3, 6]],
    6: [2, [4, 1, 5, 2, 6, 3]],
    7: [2, [6, 3, 5, 2, 4, 1]],
    8: [2, [3, 6, 2, 5, 1, 4]],
  };
  for (const [orientation, [width, values]] of Object.entries(expected)) {
    test(orientation, async () => {
      const bytes = tiffBytes(3, 2, Buffer.from([1, 2, 3, 4, 5, 6]), { ...GREY, 274: Number(orientation) });
      const picture = await decodeTiff(bytes);
      expect([picture.width, picture.height]).toEqual([width, 6 / width]);
      expect([...picture.pixels].filter((_, i) => i % 3 === 0)).toEqual(values);
    });
  }

  test.each([0, 9, 256, 65535])('%i has no meaning, so the picture is upright, as in Pillow', async (orientation) => {
    const { pixels } = await decodeTiff(tiffBytes(3, 1, Buffer.from([1, 2, 3]), { ...GREY, 274: orientation }));
    expect([...pixels]).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3]);
  });

  test('a turned picture takes less memory than twice its RGB', async () => {
    const side = 6000;
    const data = deflateSync(Buffer.alloc((side / 8) * side, 0x55));
    const bytes = tiffBytes(side, side, data, { 258: 1, 259: 8, 262: 1, 277: 1, 274: 6 });
    const before = peakMemory();
    await decodeTiff(bytes);
    expect(peakMemory() - before).toBeLessThan(1.9 * side * side * 3);
  });
});

describe('colour maps', () => {
  const map = (values: readonly number[]) =>
    tiffBytes(4, 1, Buffer.from([0x1b]), { 258: 2, 262: 3, 277: 1, 320: values });
  // Red, then green, then blue of the four indices.
  const values = [0, 0x1234, 0xffff, 255, 0, 0, 0, 0, 0x4000, 0, 0, 0x0100];

  test('the high byte counts', async () => {
    const { pixels } = await decodeTiff(map(values));
    expect([...pixels]).toEqual([0, 0, 0x40, 0x12, 0, 0, 0xff, 0, 0, 0, 0, 1]);
  });

  test('one of zeros is black', async () => {
    expect([...(await decodeTiff(map(values.map(() => 0)))).pixels]).toEqual(new Array(12).fill(0));
  });

  const wrong: [string, readonly number[], RegExp][] = [
    ['of 8 bits', values.map((value) => value >> 8), /a TIFF with a colour map of 8 bits is not supported/],
    ['too short', values.slice(0, 9), /a colour map of 9 values is not supported, expected 12/],
    ['too long', [...values, 1, 2, 3], /a colour map of 15 values is not supported, expected 12/],
  ];
  test.each(wrong)('%s: refused', async (_, found, message) => {
    await expect(decodeTiff(map(found))).rejects.toThrow(message);
  });

  test('missing: refused', async () => {
    const bytes = tiffBytes(4, 1, Buffer.from([0x1b]), { 258: 2, 262: 3, 277: 1 });
    await expect(decodeTiff(bytes)).rejects.toThrow(/a colour map of 0 values/);
  });
});

describe('tiles', () => {
  const [OFFSETS, LENGTHS] = [324, 325];

  /** Of 2 by 2 tiles of 16 by 16 pixels. */
  async function tiled(compression: 'none' | 'deflate' | 'lzw' | 'packbits'): Promise<Buffer> {
    const sharp = await loadSharp();
    const data = Buffer.from(Array.from({ length: 32 * 32 * 3 }, (_, i) => ((i * 7) ^ (i >> 5)) & 255));
    const image = sharp(data, { raw: { width: 32, height: 32, channels: 3 } });
    return image.tiff({ compression, predictor: 'none', tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer();
  }

  /** Position of a tag in the directory, and of its values. */
  function tagOf(bytes: Buffer, tag: number): { at: number; values: number } {
    const directory = bytes.readUInt32LE(4);
    for (let i = 0; i < bytes.readUInt16LE(directory); i++) {
      const at = directory + 2 + 12 * i;
      if (bytes.readUInt16LE(at) === tag) return { at, values: bytes.readUInt32LE(at + 8) };
    }
    throw new Error(`no tag ${tag}`);
  }

  test('whole ones are read', async () => {
    for (const compression of ['none', 'deflate', 'lzw', 'packbits'] as const) {
      const { pixels } = await decodeTiff(await tiled(compression));
      expect([...pixels.subarray(0, 4)]).toEqual([0, 7, 14, 21]);
    }
  });

  test.each([OFFSETS, LENGTHS])('a tile with 0 in tag %i is missing', async (tag) => {
    const bytes = await tiled('none');
    bytes.writeUInt32LE(0, tagOf(bytes, tag).values + 4);
    await expect(decodeTiff(bytes)).rejects.toThrow(/some of its tiles are missing/);
  });

  test.each([OFFSETS, LENGTHS])('a list that is too short, in tag %i', async (tag) => {
    const bytes = await tiled('none');
    bytes.writeUInt32LE(3, tagOf(bytes, tag).at + 4);
    await expect(decodeTiff(bytes)).rejects.toThrow(/some of its tiles are missing/);
  });

  test('a tile behind the end of the file', async () => {
    const bytes = await tiled('deflate');
    bytes.writeUInt32LE(bytes.length, tagOf(bytes, OFFSETS).values + 12);
    await expect(decodeTiff(bytes)).rejects.toThrow(/some of its tiles are missing/);
  });

  test.each(['deflate', 'lzw', 'packbits'] as const)('a broken tile of %s is not black', async (compression) => {
    const bytes = await tiled(compression);
    const [offset, length] = [OFFSETS, LENGTHS].map((tag) => bytes.readUInt32LE(tagOf(bytes, tag).values + 8));
    bytes.fill(compression === 'packbits' ? 0x80 : 0xff, offset! + 2, offset! + length!);
    await expect(decodeTiff(bytes)).rejects.toThrow(/a.tif: /);
  });
});

test('greys of 16 bits are clipped at 255, as in Pillow', async () => {
  const data = Buffer.from(Uint16Array.of(0, 200, 256, 65535).buffer);
  const { pixels } = await decodeTiff(tiffBytes(4, 1, data, { ...GREY, 258: 16 }));
  expect([...pixels]).toEqual([0, 0, 0, 200, 200, 200, 255, 255, 255, 255, 255, 255]);
});

describe('refuses', () => {
  const data = Buffer.alloc(64, 3);
  const kinds: [string, Record<number, number | readonly number[]>, RegExp][] = [
    [
      '16-bit greys where 0 is white',
      { ...GREY, 258: 16, 262: 0 },
      /not supported \(photometric interpretation 0, bits 16/,
    ],
    ['premultiplied alpha', { ...RGB, 258: [8, 8, 8, 8], 277: 4, 338: 1 }, /not supported/],
    ['CIELAB', { ...RGB, 262: 8 }, /photometric interpretation 8/],
    ['floats', { ...GREY, 258: 32, 339: 3 }, /not supported/],
    ['signed values', { ...GREY, 339: 2 }, /not supported/],
    ['compressions that not every libtiff has', { ...RGB, 259: 34925 }, /compression 34925/],
    ['bits in reverse order', { ...GREY, 266: 2 }, /not supported/],
    ['planes of one bit, which Pillow misreads', { ...GREY, 258: 1, 284: 2 }, /planes 2/],
    [
      'other inks',
      { 258: [8, 8, 8, 8], 262: 5, 277: 4, 332: 2 },
      /compression 1, planes 1, ink set 2\). Convert it to PNG/,
    ],
    ['strips and tiles at once', { ...RGB, 324: 8 }, /it has strips and tiles/],
    ['a value of an impossible length', { ...GREY, 258: Array.from({ length: 40 }, () => 8) }, /damaged/],
  ];
  for (const [name, tags, message] of kinds) {
    test(name, async () => await expect(decodeTiff(tiffBytes(2, 2, data, tags))).rejects.toThrow(message));
  }

  test('a directory outside of the file', async () => {
    const bytes = tiffBytes(2, 2, data, RGB);
    bytes.writeUInt32LE(2 ** 31, 4);
    await expect(decodeTiff(bytes)).rejects.toThrow(/truncated or damaged \(TIFF: it ends too early\)/);
  });

  test('strips outside of the file', async () => {
    await expect(decodeTiff(tiffBytes(2, 2, data, { ...RGB, 273: 60_000 }))).rejects.toThrow(/a.tif: /);
  });
});
