/** GIF's first frame on its screen; what has no colour gets Pillow's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decode, readSize } from '../../src/data/index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dawngrad-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const PALETTE = [10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3];

interface Parts {
  readonly screen: readonly [number, number];
  /** Left, top, width, height. */
  readonly frame: readonly [number, number, number, number];
  /** Indices below 4. */
  readonly indices: readonly number[];
  readonly transparent?: number;
}

/** Each index is one code of 3 bits; a code that clears the table before each keeps it at that. */
function gifBytes({ screen, frame, indices, transparent }: Parts): Buffer {
  const words = (...values: number[]) => values.flatMap((value) => [value & 255, value >> 8]);
  const codes = [...indices.flatMap((index) => [4, index]), 5];
  const packed = new Array<number>(Math.ceil((codes.length * 3) / 8)).fill(0);
  codes.forEach((code, i) => {
    for (let b = 0; b < 3; b++) packed[(i * 3 + b) >> 3]! |= ((code >> b) & 1) << ((i * 3 + b) & 7);
  });
  const control = transparent === undefined ? [] : [0x21, 0xf9, 4, 1, 0, 0, transparent, 0];
  return Buffer.from([
    ...Buffer.from('GIF89a'),
    ...[...words(...screen), 0x81, 3, 0, ...PALETTE, ...control],
    ...[0x2c, ...words(...frame), 0, 2, packed.length, ...packed, 0, 0x3b],
  ]);
}

async function pixelsOf(parts: Parts, size = parts.screen, cut = 0): Promise<number[][]> {
  const path = join(folder, 'a.gif');
  const bytes = gifBytes(parts);
  writeFileSync(path, bytes.subarray(0, bytes.length - cut));
  const { width, height, pixels } = await decode(path);
  expect([width, height]).toEqual(size);
  expect(await readSize(path)).toEqual({ width, height });
  return Array.from({ length: width * height }, (_, i) => [...pixels.subarray(3 * i, 3 * i + 3)]);
}

const colour = (index: number) => PALETTE.slice(3 * index, 3 * index + 3);

test('a transparent pixel keeps the colour of its index', async () => {
  const pixels = await pixelsOf({ screen: [4, 1], frame: [0, 0, 4, 1], indices: [0, 1, 2, 1], transparent: 1 });
  expect(pixels).toEqual([0, 1, 2, 1].map(colour));
});

test('a pixel outside of the frame has the colour of the transparent index, else of index 0', async () => {
  const part = { screen: [3, 2], frame: [1, 1, 2, 1], indices: [2, 3] } as const;
  expect(await pixelsOf(part)).toEqual([0, 0, 0, 0, 2, 3].map(colour));
  expect(await pixelsOf({ ...part, transparent: 1 })).toEqual([1, 1, 1, 1, 2, 3].map(colour));
});

test('a screen that is smaller than its frame is enlarged', async () => {
  const parts = { screen: [2, 1], frame: [1, 0, 2, 1], indices: [2, 3] } as const;
  expect(await pixelsOf(parts, [3, 1])).toEqual([0, 2, 3].map(colour));
});

test('a truncated frame is refused', async () => {
  const parts = { screen: [4, 1], frame: [0, 0, 4, 1], indices: [0, 1] } as const;
  await expect(pixelsOf(parts)).rejects.toThrow(/a.gif: /);
  await expect(pixelsOf({ ...parts, indices: [0, 1, 2, 3] }, [4, 1], 6)).rejects.toThrow(/truncated or damaged/);
});
