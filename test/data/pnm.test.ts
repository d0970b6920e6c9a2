/** Netpbm's pictures, with the values that Pillow 9.4 gives. verify's row pillow-formats has many more. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode, readSize } from '../../src/data/index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dawngrad-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function decodePnm(text: string) {
  const path = join(folder, 'a.ppm');
  writeFileSync(path, text, 'latin1');
  const { width, height, pixels } = await decode(path);
  expect(await readSize(path)).toEqual({ width, height });
  return { width, height, pixels: [...pixels] };
}

const grey = (...values: number[]) => values.flatMap((value) => [value, value, value]);

describe('is read', () => {
  const cases: [string, string, number, number[]][] = [
    ['P1, where 1 is black and white space is optional', 'P1 3 1 01 0', 3, grey(255, 0, 255)],
    [
      'P4, a bit for each pixel, rows of whole bytes',
      'P4\n9 1\n\x80\x80',
      9,
      grey(0, 255, 255, 255, 255, 255, 255, 255, 0),
    ],
    ['P2 scaled by its largest value', 'P2 3 1 4 0 1 4', 3, grey(0, 64, 255)],
    ['P3 with comments', 'P3 # a\n1 1 # b\n255 #c\n 1 # d\n2 3', 1, [1, 2, 3]],
    ['P5 whose half values go to the even neighbour', 'P5 3 1 2 \x00\x01\x02', 3, grey(0, 128, 255)],
    ['P5 of 16 bits, clipped at 255', 'P5 3 1 65535 \x00\x07\x00\xff\x01\x00', 3, grey(7, 255, 255)],
    ['P5 of 9 bits, scaled to 16 and then clipped', 'P5 2 1 300 \x00\x01\x01\x2c', 2, grey(218, 255)],
    ['P6 of 16 bits, scaled to 8', 'P6 1 1 65535 \x00\x80\x7f\xff\xff\xff', 1, [0, 127, 255]],
    ['values above the largest, which are white', 'P5 1 1 100 \xff', 1, grey(255)],
  ];
  for (const [name, text, width, pixels] of cases) {
    test(name, async () => expect(await decodePnm(text)).toEqual({ width, height: 1, pixels }));
  }
});

describe('is refused', () => {
  const cases: [string, string, RegExp][] = [
    ['without pixels', 'P6\n0 0\n255\n', /a picture of 0×0 has no pixels/],
    ['without rows', 'P5 4 0 255 ', /a picture of 4×0 has no pixels/],
    ['truncated', 'P6 1 1 255 ab', /truncated/],
    ['truncated in its text', 'P3 1 1 255 1 2', /truncated/],
    ['truncated in its header', 'P6 1', /truncated|number/],
    ['with a largest value of 0', 'P5 1 1 0 a', /largest value is 0/],
    ['with a largest value of 17 bits', 'P5 1 1 65536 ab', /largest value is 65536/],
    ['with a text value above the largest', 'P2 1 1 9 10', /10 is larger than 9/],
    ['with a comment inside a number, which Pillow joins', 'P2 2 1 99 1#\n2 3', /a number was expected/],
    ['with letters', 'P1 2 1 0x', /a 0 or 1 was expected/],
    ['of another kind', 'P7\nWIDTH 1\n', /not a picture in a known format/],
  ];
  for (const [name, text, message] of cases) {
    test(name, async () => await expect(decodePnm(text)).rejects.toThrow(message));
  }
});

test('long text is read where Pillow reads it, and refused where Pillow puts a number twice', async () => {
  const side = 1100;
  const text = (value: string) => `P2 ${side} ${side} 255 ${`${value} `.repeat(side * side)}`;
  // Blocks of 2^20 bytes all end in white space, or the first inside of a number and the third in white space.
  expect((await decodePnm(text('1'))).pixels.slice(-3)).toEqual([1, 1, 1]);
  await expect(decodePnm(text('12'))).rejects.toThrow(/as Pillow misreads it\. Convert it to PNG/);
});
