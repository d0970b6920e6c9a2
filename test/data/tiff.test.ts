/** TIFF: the orientation tag, and the kinds whose pixels sharp does not give as Pillow does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode, readSize } from '../../src/data/index.ts';
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
