/** Which variant of a convolution runs where. */

import { afterEach, describe, expect, test } from 'vitest';
import type { AdapterTraits } from '../../src/gpu/gpu.ts';
import { CONV2D_VARIANTS, type Conv2dPass, chooseConv2d, forceConv2dVariant } from '../../src/kernels/conv2d-choose.ts';
import { type Conv2dShape, convolvedExtent } from '../../src/kernels/conv2d-shape.ts';

const PASSES: Conv2dPass[] = ['forward', 'inputGrad', 'weightGrad'];

function adapter(kind: AdapterTraits['kind'], subgroupSize = 0): AdapterTraits {
  const names = { vendor: '', architecture: '', description: '' };
  return { kind, subgroupSize, maxWorkgroupStorage: 16384, maxInvocations: 256, ...names };
}

function square(channels: number, extent: number, kernel: number, stride = 1): Conv2dShape {
  const padding = kernel >> 1;
  const out = convolvedExtent(extent, kernel, stride, padding);
  return {
    batch: 4,
    inChannels: channels,
    inHeight: extent,
    inWidth: extent,
    outChannels: channels,
    kernelHeight: kernel,
    kernelWidth: kernel,
    strideHeight: stride,
    strideWidth: stride,
    paddingHeight: padding,
    paddingWidth: padding,
    outHeight: out,
    outWidth: out,
  };
}

const SHAPES = [square(1, 1, 1), square(64, 56, 3), square(512, 7, 3), square(3, 224, 7, 2), square(128, 28, 1, 2)];

afterEach(() => forceConv2dVariant(undefined));

const everyChoice = (traits: AdapterTraits) =>
  PASSES.flatMap((pass) => SHAPES.map((shape) => chooseConv2d(pass, shape, traits)));

describe('chooseConv2d', () => {
  test('takes rows on CPU adapters, with and without subgroups', () => {
    for (const size of [0, 4, 8]) expect(new Set(everyChoice(adapter('cpu', size)))).toEqual(new Set(['rows']));
  });

  test('takes tiles on GPUs', () => {
    for (const size of [0, 32]) expect(new Set(everyChoice(adapter('gpu', size)))).toEqual(new Set(['tiled']));
  });

  test('takes what is forced, on any adapter, until it is free again', () => {
    for (const variant of CONV2D_VARIANTS) {
      forceConv2dVariant(variant);
      expect(new Set(everyChoice(adapter('cpu', 8)))).toEqual(new Set([variant]));
      expect(new Set(everyChoice(adapter('gpu', 32)))).toEqual(new Set([variant]));
    }
    forceConv2dVariant(undefined);
    expect(everyChoice(adapter('cpu'))[0]).toBe('rows');
    expect(everyChoice(adapter('gpu'))[0]).toBe('tiled');
  });
});
