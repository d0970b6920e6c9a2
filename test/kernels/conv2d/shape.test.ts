/** The arithmetic of a convolution's shape, compared with counting. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Conv2dShape,
  conv2dFlops,
  convolvedExtent,
  describeConv2d,
  isPlain,
  weightsOf,
} from '../../../src/kernels/conv2d/shape.ts';

const shape: Conv2dShape = {
  batch: 4,
  inChannels: 3,
  inHeight: 224,
  inWidth: 224,
  outChannels: 64,
  kernelHeight: 7,
  kernelWidth: 7,
  strideHeight: 2,
  strideWidth: 2,
  paddingHeight: 3,
  paddingWidth: 3,
  outHeight: 112,
  outWidth: 112,
};

describe('convolvedExtent', () => {
  test('is right for the layers of ResNet', () => {
    expect(convolvedExtent(224, 7, 2, 3)).toBe(112);
    expect(convolvedExtent(56, 3, 1, 1)).toBe(56);
    expect(convolvedExtent(56, 3, 2, 1)).toBe(28);
    expect(convolvedExtent(56, 1, 2, 0)).toBe(28);
  });

  test('is the number of places at which the kernel lies within the padded input', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 6 }), fc.nat(6), ([extent, kernel], stride, padding) => {
        let places = 0;
        for (let start = -padding; start + kernel <= extent + padding; start += stride) places++;
        expect(Math.max(0, convolvedExtent(extent, kernel, stride, padding))).toBe(places);
      }),
    );
  });

  test('is at most 0 if the kernel does not fit', () => {
    expect(convolvedExtent(2, 3, 1, 0)).toBeLessThan(1);
    expect(convolvedExtent(2, 9, 4, 1)).toBeLessThan(1);
  });

  test('counts the gaps between dilated taps as part of the kernel', () => {
    const kernel = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        kernel,
        fc.integer({ min: 1, max: 4 }),
        (extent, [taps, dilation], stride) => {
          const across = dilation * (taps - 1) + 1;
          expect(convolvedExtent(extent, taps, stride, 2, dilation)).toBe(convolvedExtent(extent, across, stride, 2));
        },
      ),
    );
  });
});

test('conv2dFlops counts the multiplications and additions of every output', () => {
  // The literature gives 118 million multiply-adds per picture for ResNet's first layer.
  expect(conv2dFlops(shape)).toBe(2 * 4 * 118_013_952);
  // A group reads a third of the input channels.
  expect(conv2dFlops({ ...shape, groups: 3 })).toBe((2 * 4 * 118_013_952) / 3);
  expect([weightsOf(shape), weightsOf({ ...shape, groups: 3 })]).toEqual([64 * 3 * 49, 64 * 49]);
});

test('describeConv2d gives both values of a pair only if they differ', () => {
  expect(describeConv2d(shape)).toBe('4x3x224x224 -> 64, 7x7 /2 +3');
  expect(describeConv2d({ ...shape, half: true })).toBe('4x3x224x224 -> 64, 7x7 /2 +3 f16');
  const uneven = { ...shape, inHeight: 5, kernelHeight: 1, strideWidth: 3, paddingHeight: 0 };
  expect(describeConv2d(uneven)).toBe('4x3x5x224 -> 64, 1x7 /2x3 +0x3');
});

test('describeConv2d gives groups and dilation if there are any', () => {
  const plain = { ...shape, groups: 1, dilationHeight: 1, dilationWidth: 1 };
  expect(describeConv2d(plain)).toBe(describeConv2d(shape));
  const grouped = { ...shape, groups: 3, dilationHeight: 1, dilationWidth: 2 };
  expect(describeConv2d(grouped)).toBe('4x3x224x224 -> 64, 7x7 /2 +3 groups 3 dilation 1x2');
  expect([isPlain(shape), isPlain(plain), isPlain(grouped)]).toEqual([true, true, false]);
  for (const one of [{ groups: 3 }, { dilationHeight: 2 }, { dilationWidth: 2 }]) {
    expect(isPlain({ ...shape, ...one })).toBe(false);
  }
});
