/** binary16 on the host, against its definition. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHalf, toHalf } from '../../src/autograd/half.ts';

const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
const values = fromHalf(all);
/** Bits of the largest finite value. From 0 up to it, adding 1 to the bits gives the next value. */
const LARGEST = 0x7bff;

test('known values', () => {
  const known: [number, number][] = [
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0xc000, -2],
    [LARGEST, 65504],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
  ];
  for (const [bits, value] of known) expect(values[bits]).toBe(value);
  expect(Object.is(values[0x8000], -0)).toBe(true);
  expect(values[0x7e00]).toBeNaN();
});

test('every value converts to f32 and back', () => {
  const back = toHalf(values);
  const wrong = all.filter(
    (bits, i) => (Number.isNaN(values[bits]) ? Number.isNaN(values[back[i]!]) : back[i] === bits) === false,
  );
  expect([...wrong]).toEqual([]);
});

describe('rounding', () => {
  test('is to the nearest value, with ties to even', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: LARGEST - 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (bits, share) => {
          const [below, above] = [values[bits]!, values[bits + 1]!];
          const value = below + share * (above - below);
          const [found] = fromHalf(toHalf([value, -value]));
          const middle = (below + above) / 2;
          if (value === middle) expect(found).toBe(bits % 2 === 0 ? below : above);
          else expect(found).toBe(value < middle ? below : above);
        },
      ),
    );
    expect([...toHalf([1 + 2 ** -11, 1 + 3 * 2 ** -11])]).toEqual([0x3c00, 0x3c02]);
  });

  test('gives infinity from half a step beyond the largest value', () => {
    expect([...toHalf([65519.99, 65520, -65520, 1e30])]).toEqual([LARGEST, 0x7c00, 0xfc00, 0x7c00]);
  });

  test('gives zero up to half the smallest value', () => {
    expect([...toHalf([2 ** -25, 2 ** -25 * 1.001, -1e-30, -0])]).toEqual([0, 1, 0x8000, 0x8000]);
  });
});

test('an odd count is padded to whole words', () => {
  expect([...toHalf([1, 2, 3])]).toEqual([0x3c00, 0x4000, 0x4200, 0]);
  expect(toHalf([]).length).toBe(0);
});
