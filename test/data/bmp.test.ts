/** Bitmaps of kinds that no golden file has; pixels as Pillow reads them. verify's row pillow-formats has them all. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode, readSize } from '../../src/data/index.ts';
import { type BmpParts, bmpBytes } from '../support/picture-bytes.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dawngrad-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function pixelsOf(parts: BmpParts, change: (bytes: Buffer) => Buffer = (bytes) => bytes): Promise<number[]> {
  const path = join(folder, 'a.bmp');
  writeFileSync(path, change(bmpBytes(parts)));
  const { width, height, pixels } = await decode(path);
  expect([width, height]).toEqual([parts.width, parts.height]);
  expect(await readSize(path)).toEqual({ width, height });
  return [...pixels];
}

const PIXEL = { width: 1, height: 1 };
const RED = [255, 0, 0];
const GREEN = [0, 255, 0];
const BLUE = [0, 0, 255];
/** Blue, green, red and 0 of each colour. */
const PALETTE = [BLUE, GREEN, RED].flatMap(([r, g, b]) => [b!, g!, r!, 0]);

describe('bit fields', () => {
  const masks: [string, number[]][] = [
    ['red in the first byte', [0xff, 0xff00, 0xff0000, 0xff000000]],
    ['alpha in the first byte', [0xff000000, 0xff0000, 0xff00, 0xff]],
    ['the usual order', [0xff0000, 0xff00, 0xff, 0xff000000]],
  ];
  const stored = [[140, 235, 37, 9] as const, [9, 140, 235, 37] as const, [37, 235, 140, 9] as const];
  const expected = [
    [140, 235, 37],
    [37, 235, 140],
    [140, 235, 37],
  ];
  masks.forEach(([name, fields], i) => {
    test(`of 32 bits, ${name}`, async () => {
      const parts = { ...PIXEL, bits: 32, header: 108, compression: 3, masks: fields, rows: [stored[i]!] };
      expect(await pixelsOf(parts)).toEqual(expected[i]);
    });
  });

  test('of 16 bits are widened with the fraction cut off, as Pillow does', async () => {
    const rows = [[0x10, 0x84]]; // 1 00001 000 00100 000 1 0000 in either layout
    const six = { ...PIXEL, bits: 16, compression: 3, masks: [0xf800, 0x7e0, 0x1f], rows };
    expect(await pixelsOf(six)).toEqual([131, 129, 131]);
    const five = { ...PIXEL, bits: 16, compression: 3, masks: [0x7c00, 0x3e0, 0x1f], rows };
    expect(await pixelsOf(five)).toEqual([8, 0, 131]);
    expect(await pixelsOf({ ...PIXEL, bits: 16, rows })).toEqual([8, 0, 131]);
  });

  test('in an order that Pillow refuses are refused', async () => {
    const masks = [0xff, 0xff00, 0xff0000];
    const parts = { ...PIXEL, bits: 32, compression: 3, masks, rows: [[1, 2, 3, 4]] };
    await expect(pixelsOf(parts)).rejects.toThrow(/a BMP with bit fields of this layout .* Convert it to PNG/);
  });
});

test("OS/2's header has 16-bit sizes and a palette of 3 bytes a colour", async () => {
  const palette = [0, 0, 255, 0, 255, 0];
  const parts = { width: 3, height: 2, bits: 1, header: 12, palette, rows: [[0b01000000], [0b10100000]] };
  expect(await pixelsOf(parts)).toEqual([GREEN, RED, GREEN, RED, GREEN, RED].flat());
});

describe('run lengths', () => {
  const shared = { width: 4, height: 2, palette: PALETTE, colors: 3 };

  test('of 8 bits: runs, literal pixels with padding, ends of rows', async () => {
    const rows = Buffer.from([0, 3, 0, 1, 2, 0, 1, 1, 0, 0, 4, 2, 0, 1]);
    const expected = [RED, RED, RED, RED, BLUE, GREEN, RED, GREEN].flat();
    expect(await pixelsOf({ ...shared, bits: 8, compression: 1, rows })).toEqual(expected);
  });

  test('of 4 bits: both values of a run by turns', async () => {
    const rows = Buffer.from([4, 0x12, 0, 0, 0, 4, 0x01, 0x20, 0, 1]);
    const expected = [BLUE, GREEN, RED, BLUE, GREEN, RED, GREEN, RED].flat();
    expect(await pixelsOf({ ...shared, bits: 4, compression: 2, rows })).toEqual(expected);
  });

  const refused: [string, number[], RegExp][] = [
    ['that skip pixels', [0, 2, 1, 0, 4, 0], /skipped pixels is not supported/],
    ['that end early', [4, 0, 0, 0, 0, 1], /ends before its last row/],
    ['that leave their row', [5, 0], /a run leaves its row/],
    ['that break off', [4, 0, 0], /truncated/],
    ['of a colour that the palette lacks', [4, 9, 0, 0, 4, 0], /colour 9 of a palette of 3/],
  ];
  for (const [name, bytes, message] of refused) {
    test(`${name} are refused`, async () => {
      const parts = { ...shared, bits: 8, compression: 1, rows: Buffer.from(bytes) };
      await expect(pixelsOf(parts)).rejects.toThrow(message);
    });
  }

  test('of 4 bits with an odd count of literal pixels, which Pillow misreads, are refused', async () => {
    const parts = { ...shared, bits: 4, compression: 2, rows: Buffer.from([0, 3, 0x01, 0x20, 1, 0, 4, 0]) };
    await expect(pixelsOf(parts)).rejects.toThrow(/an odd run .* Pillow misreads/);
  });
});

describe('pixels behind the header', () => {
  const parts = {
    width: 1,
    height: 2,
    bits: 24,
    rows: [
      [1, 2, 3],
      [4, 5, 6],
    ],
  };

  test('from the bottom up, or from the top down', async () => {
    expect(await pixelsOf(parts)).toEqual([6, 5, 4, 3, 2, 1]);
    expect(await pixelsOf({ ...parts, topDown: true })).toEqual([3, 2, 1, 6, 5, 4]);
  });

  test('the padding of the last row may be missing, its pixels may not', async () => {
    expect(await pixelsOf(parts, (bytes) => bytes.subarray(0, -1))).toEqual([6, 5, 4, 3, 2, 1]);
    await expect(pixelsOf(parts, (bytes) => bytes.subarray(0, -2))).rejects.toThrow(/truncated/);
  });

  test('a palette of black and white for 8 bits, which Pillow misreads, is refused', async () => {
    const twoGreys = { ...PIXEL, bits: 8, palette: [0, 0, 0, 0, 255, 255, 255, 0], colors: 2, rows: [[1]] };
    await expect(pixelsOf(twoGreys)).rejects.toThrow(/8 bits and a palette of 2 greys, which Pillow misreads/);
  });

  for (const [bits, compression] of [
    [2, 0],
    [24, 4],
    [8, 2],
  ] as const) {
    test(`${bits} bits with compression ${compression} are refused`, async () => {
      const rows = [[0, 0, 0, 0]];
      await expect(pixelsOf({ ...PIXEL, bits, compression, palette: PALETTE, colors: 3, rows })).rejects.toThrow(
        /a BMP with .* is not supported. Convert it to PNG/,
      );
    });
  }
});
