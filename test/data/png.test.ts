/** PNG: greys of 16 bits, and palettes that lack colours. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode } from '../../src/data/index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dawngrad-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function checksum(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0, value = byte; bit < 8; bit++, value >>= 1) {
      crc = (crc >>> 1) ^ (((crc ^ value) & 1) * 0xedb88320);
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(kind: string, data: readonly number[] | Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind), Buffer.from(data)]);
  const around = Buffer.alloc(8);
  around.writeUInt32BE(data.length, 0);
  around.writeUInt32BE(checksum(body), 4);
  return Buffer.concat([around.subarray(0, 4), body, around.subarray(4)]);
}

/** One row. */
function pngBytes(width: number, bits: number, kind: number, row: readonly number[], ...before: Buffer[]): Buffer {
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', [0, 0, 0, width, 0, 0, 0, 1, bits, kind, 0, 0, 0]),
    ...before,
    chunk('IDAT', deflateSync(Buffer.from([0, ...row]))),
    chunk('IEND', []),
  ]);
}

async function pixelsOf(bytes: Buffer): Promise<number[]> {
  const path = join(folder, 'a.png');
  writeFileSync(path, bytes);
  return [...(await decode(path)).pixels];
}

const grey = (values: readonly number[]) => values.flatMap((value) => [value, value, value]);

describe('greys of 16 bits', () => {
  const row = [0, 7, 0, 255, 1, 0, 255, 255];

  test('are clipped, as in Pillow', async () => {
    expect(await pixelsOf(pngBytes(4, 16, 0, row))).toEqual(grey([7, 255, 255, 255]));
  });

  test('are clipped too where one of them is transparent', async () => {
    const bytes = pngBytes(4, 16, 0, row, chunk('tRNS', [0, 7]));
    expect(await pixelsOf(bytes)).toEqual(grey([7, 255, 255, 255]));
  });

  test('with alpha give their high byte, as in Pillow', async () => {
    expect(await pixelsOf(pngBytes(2, 16, 4, [18, 52, 0, 0, 171, 205, 255, 255]))).toEqual(grey([18, 171]));
  });
});

describe('a palette that lacks colours', () => {
  const PALETTE = [10, 20, 30, 40, 50, 60, 70, 80, 90];

  test('an index beyond it is a grey, as in Pillow', async () => {
    const bytes = pngBytes(4, 8, 3, [2, 3, 100, 255], chunk('PLTE', PALETTE));
    expect(await pixelsOf(bytes)).toEqual([70, 80, 90, ...grey([3, 100, 255])]);
  });

  test.each([1, 2, 4])('%i bits', async (bits) => {
    const last = 2 ** bits - 1;
    const bytes = pngBytes(2, bits, 3, [last << (8 - 2 * bits)], chunk('PLTE', [10, 20, 30]), chunk('tRNS', [5]));
    expect(await pixelsOf(bytes)).toEqual([10, 20, 30, ...grey([last])]);
  });

  test('indices inside of it have its colours', async () => {
    const bytes = pngBytes(3, 8, 3, [2, 0, 1], chunk('tEXt', Buffer.from('a\0PLTE')), chunk('PLTE', PALETTE));
    expect(await pixelsOf(bytes)).toEqual([70, 80, 90, 10, 20, 30, 40, 50, 60]);
  });

  test('a wrong checksum is refused', async () => {
    const palette = chunk('PLTE', PALETTE);
    palette[9]! ^= 1;
    await expect(pixelsOf(pngBytes(1, 8, 3, [0], palette))).rejects.toThrow(/PNG: the checksum of its palette/);
  });

  test('two palettes are refused', async () => {
    const bytes = pngBytes(1, 8, 3, [0], chunk('PLTE', PALETTE), chunk('PLTE', PALETTE));
    await expect(pixelsOf(bytes)).rejects.toThrow(/PNG: it has two palettes/);
  });

  test('bits that no palette has are refused before memory is taken for them', async () => {
    await expect(pixelsOf(pngBytes(1, 30, 3, [0], chunk('PLTE', PALETTE)))).rejects.toThrow(/a.png: /);
  });
});
