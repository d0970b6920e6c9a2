/** GIF's first frame on its screen; what has no colour gets Pillow's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode, readSize } from '../../src/data/index.ts';
import { peakMemory } from '../support/peak-memory.ts';

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

describe('extensions as Pillow reads them', () => {
  const plain = gifBytes({ screen: [4, 1], frame: [0, 0, 4, 1], indices: [0, 1, 2, 3] });
  const start = 13 + PALETTE.length;
  const withBlocks = async (...blocks: number[]) => {
    const path = join(folder, 'b.gif');
    writeFileSync(path, Buffer.concat([plain.subarray(0, start), Buffer.from(blocks), plain.subarray(start)]));
    return decode(path);
  };

  test('a control block may lack the index if it does not name one', async () => {
    expect((await withBlocks(0x21, 0xf9, 3, 0, 0, 0, 0)).width).toBe(4);
  });

  test.each([
    ['a control block without the index that it names', [0x21, 0xf9, 3, 1, 0, 0, 0]],
    ['a control block without a delay', [0x21, 0xf9, 2, 0, 0, 0]],
    ['an empty control block', [0x21, 0xf9, 0]],
    ['an empty block of an application', [0x21, 0xff, 0]],
  ])('%s is refused', async (_, blocks) => {
    await expect(withBlocks(...blocks)).rejects.toThrow(/truncated or damaged \(GIF\)/);
  });

  test('an empty comment is none', async () => {
    expect((await withBlocks(0x21, 0xfe, 0)).width).toBe(4);
  });
});

/** A picture of one index, of which each code is one longer than the one before. */
function runs(width: number, height: number, count: number): Buffer {
  const bytes: number[] = [];
  let buffer = 0;
  let buffered = 0;
  let bits = 9;
  const put = (code: number) => {
    buffer |= code << buffered;
    for (buffered += bits; buffered >= 8; buffered -= 8, buffer >>>= 8) bytes.push(buffer & 255);
  };
  for (let done = 0; done < count; ) {
    put(256);
    bits = 9;
    put(3);
    done++;
    for (let next = 258; next < 4096 && done < count; next++) {
      put(next);
      done += next - 256;
      if (next === 2 ** bits - 1 && bits < 12) bits++;
    }
  }
  bytes.push(buffer & 255);
  const blocks: number[][] = [];
  for (let at = 0; at < bytes.length; at += 255) {
    const part = bytes.slice(at, at + 255);
    blocks.push([part.length, ...part]);
  }
  const size = [width & 255, width >> 8, height & 255, height >> 8];
  const head = [...size, 0x81, 0, 0, ...PALETTE, 0x2c, 0, 0, 0, 0, ...size, 0, 8];
  return Buffer.concat([Buffer.from('GIF89a'), Buffer.from([...head, ...blocks.flat(), 0, 0x3b])]);
}

describe('memory', () => {
  const grown = async (bytes: Buffer, use: (path: string) => Promise<void>) => {
    const path = join(folder, 'c.gif');
    writeFileSync(path, bytes);
    const before = peakMemory();
    await use(path);
    return peakMemory() - before;
  };

  test('a picture takes what its RGB takes', async () => {
    const side = 5000;
    let pixels = new Uint8Array();
    const grew = await grown(runs(side, side, side * side), async (path) => {
      pixels = (await decode(path)).pixels as Uint8Array<ArrayBuffer>;
    });
    expect(pixels.every((value, i) => value === PALETTE[9 + (i % 3)])).toBe(true);
    expect(grew).toBeLessThan(2 * side * side * 3);
  });

  test('a large frame of little data takes none before it is refused', async () => {
    const grew = await grown(runs(65535, 2700, 1000), async (path) => {
      await expect(decode(path)).rejects.toThrow(/truncated or damaged/);
    });
    expect(grew).toBeLessThan(2 ** 28);
  });
});

test('interlaced rows', async () => {
  const height = 11;
  const order = [0, 8, 4, 2, 6, 10, 1, 3, 5, 7, 9];
  const bytes = gifBytes({ screen: [1, height], frame: [0, 0, 1, height], indices: order.map((y) => y % 4) });
  bytes[13 + PALETTE.length + 9] = 0x40;
  const path = join(folder, 'd.gif');
  writeFileSync(path, bytes);
  const { pixels } = await decode(path);
  expect([...pixels]).toEqual(Array.from({ length: height }, (_, y) => colour(y % 4)).flat());
});
