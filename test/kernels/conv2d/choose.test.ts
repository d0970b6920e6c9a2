/** The choice of a convolution's variant by shape and adapter. */

import { describe, expect, test } from 'vitest';
import type { AdapterTraits } from '../../../src/gpu/gpu.ts';
import { Chooser } from '../../../src/kernels/chooser.ts';
import {
  type Conv2dVariant,
  canConv2d,
  chooseConv2d,
  conv2dCandidates,
  conv2dVariants,
} from '../../../src/kernels/conv2d/choose.ts';
import { tileOf, winogradCost } from '../../../src/kernels/conv2d/cpu/winograd-shape.ts';
import { type Conv2dPass, type Conv2dShape, convolvedExtent } from '../../../src/kernels/conv2d/shape.ts';
import { conv2dWork } from '../../../src/kernels/conv2d/work.ts';
import type { TunedChoices } from '../../../src/kernels/work.ts';

const PASSES: Conv2dPass[] = ['forward', 'inputGrad', 'weightGrad'];

function adapter(kind: AdapterTraits['kind'], subgroupSize = 0): AdapterTraits {
  const names = { vendor: '', architecture: '', description: '' };
  return { kind, subgroupSize, maxWorkgroupStorage: 16384, maxInvocations: 256, shaderF16: false, ...names };
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

/** The choice of a chooser that is forced to a variant. */
const forced = (
  variant: Conv2dVariant,
  pass: Conv2dPass,
  shape: Conv2dShape,
  traits: AdapterTraits,
  tuned?: TunedChoices,
) => new Chooser({ tuned, forced: { conv2d: variant } }).variantFor(conv2dWork(pass, shape), traits);

const everyChoice = (traits: AdapterTraits, choose: typeof chooseConv2d = chooseConv2d) =>
  PASSES.flatMap((pass) => SHAPES.map((shape) => choose(conv2dWork(pass, shape), traits)));

describe('conv2dCandidates', () => {
  test('are all variants that can compute the shape on the adapter, the simplest first', () => {
    const three = square(64, 56, 3);
    for (const pass of PASSES) {
      expect(conv2dCandidates(conv2dWork(pass, three), adapter('cpu', 8))).toEqual(['tiled', 'rows', 'winograd']);
      expect(conv2dCandidates(conv2dWork(pass, three), adapter('cpu', 0))).toEqual(['tiled', 'rows']);
      expect(conv2dCandidates(conv2dWork(pass, square(64, 56, 3, 2)), adapter('gpu', 8))).toEqual(['tiled', 'rows']);
    }
  });

  test('with groups or dilation, are those that do not rely on having none', () => {
    const others = [{ groups: 2 }, { dilationHeight: 2 }, { dilationWidth: 3 }];
    for (const pass of PASSES) {
      for (const shape of SHAPES) expect(canConv2d('reference', conv2dWork(pass, shape), adapter('cpu', 8))).toBe(true);
      for (const traits of [adapter('cpu', 8), adapter('gpu', 32)]) {
        for (const other of others) {
          const shape = { ...square(64, 56, 3), ...other };
          expect(conv2dCandidates(conv2dWork(pass, shape), traits)).toEqual(['tiled', 'rows']);
          expect(chooseConv2d(conv2dWork(pass, shape), traits)).toBe(traits.kind === 'cpu' ? 'rows' : 'tiled');
          for (const variant of ['winograd', 'depthwise'] as const) {
            expect(forced(variant, pass, shape, traits)).toBe('rows');
          }
        }
      }
    }
  });

  test('are `depthwise` alone if every input channel is a group, on all adapters', () => {
    const grouped = { ...square(64, 56, 3, 2), groups: 64, outChannels: 128 };
    const fits: Conv2dShape[] = [
      grouped,
      { ...square(64, 56, 7), groups: 64 },
      { ...grouped, dilationHeight: 2, dilationWidth: 3 },
    ];
    const others: Conv2dShape[] = [
      square(1, 56, 3),
      { ...grouped, groups: 32 },
      { ...square(64, 56, 9), groups: 64 },
      { ...square(64, 56, 3, 5), groups: 64 },
    ];
    for (const traits of [adapter('cpu', 8), adapter('cpu', 0), adapter('gpu', 32)]) {
      for (const pass of PASSES) {
        for (const shape of fits) {
          expect(conv2dCandidates(conv2dWork(pass, shape), traits)).toEqual(['depthwise']);
          expect(chooseConv2d(conv2dWork(pass, shape), traits)).toBe('depthwise');
          expect(forced('reference', pass, shape, traits)).toBe('reference');
        }
        for (const shape of others) expect(canConv2d('depthwise', conv2dWork(pass, shape), traits)).toBe(false);
      }
      const half = conv2dWork('forward', { ...grouped, half: true });
      expect(conv2dCandidates(half, traits)).toEqual(['depthwise']);
      expect(canConv2d('depthwise', { ...half, pass: 'inputGrad' }, traits)).toBe(false);
    }
  });

  test('contain every choice of the table', () => {
    for (const traits of [adapter('cpu', 8), adapter('cpu', 0), adapter('gpu', 32)]) {
      for (const pass of PASSES) {
        for (const shape of SHAPES) {
          expect(conv2dCandidates(conv2dWork(pass, shape), traits)).toContain(
            chooseConv2d(conv2dWork(pass, shape), traits),
          );
        }
      }
    }
  });
});

test('Winograd’s tiles are small if few outputs share weights that are transformed every time', () => {
  const last = square(512, 7, 3);
  expect(tileOf(last, false)).toBe(2);
  expect(tileOf(last, true)).toBe(4);
  for (const [channels, extent] of [
    [64, 56],
    [128, 28],
    [256, 14],
  ] as const) {
    const layer = square(channels, extent, 3);
    expect([tileOf(layer, false), tileOf(layer, true)]).toEqual([4, 4]);
    expect(winogradCost('forward', layer, true)).toBeLessThan(winogradCost('forward', layer, false));
  }
});

describe('chooseConv2d', () => {
  const [large, small] = [square(64, 56, 3), { ...square(512, 7, 3), batch: 1 }];

  test('takes Winograd on CPU adapters with subgroups if there are enough outputs to pay for the transforms', () => {
    for (const pass of PASSES) {
      for (const size of [4, 8]) {
        expect(chooseConv2d(conv2dWork(pass, large), adapter('cpu', size))).toBe('winograd');
        expect(chooseConv2d(conv2dWork(pass, small), adapter('cpu', size))).toBe('rows');
        // A larger batch shares the transforms of the weights.
        expect(chooseConv2d(conv2dWork(pass, { ...small, batch: 32 }), adapter('cpu', size))).toBe('winograd');
      }
      expect(chooseConv2d(conv2dWork(pass, large), adapter('cpu', 0))).toBe('rows');
    }
  });

  test('takes rows on CPU adapters for all other kernels, strides and paddings, and if a binding would be too large', () => {
    const others: Conv2dShape[] = [
      square(64, 56, 1),
      square(64, 56, 5),
      square(3, 224, 7, 2),
      square(64, 56, 3, 2),
      { ...large, paddingHeight: 3, outHeight: 60 },
      { ...large, batch: 128 },
    ];
    for (const pass of PASSES) {
      for (const shape of others) expect(chooseConv2d(conv2dWork(pass, shape), adapter('cpu', 8))).toBe('rows');
    }
  });

  test('takes tiles on GPUs', () => {
    for (const size of [0, 32]) expect(new Set(everyChoice(adapter('gpu', size)))).toEqual(new Set(['tiled']));
  });

  test('takes the forced variant, on any adapter', () => {
    for (const variant of ['rows', 'tiled', 'reference'] as const) {
      const choose: typeof chooseConv2d = ({ pass, shape }, traits) => forced(variant, pass, shape, traits);
      expect(new Set(everyChoice(adapter('cpu', 8), choose))).toEqual(new Set([variant]));
      expect(new Set(everyChoice(adapter('gpu', 32), choose))).toEqual(new Set([variant]));
    }
  });

  test('takes Winograd if it is forced and can compute the shape', () => {
    expect(forced('winograd', 'forward', small, adapter('gpu', 8))).toBe('winograd');
    expect(forced('winograd', 'forward', square(64, 56, 5), adapter('cpu', 8))).toBe('rows');
    expect(forced('winograd', 'forward', small, adapter('cpu', 0))).toBe('rows');
  });

  test('takes the tuned variant, for that pass and shape only, if it can compute the shape', () => {
    const tuned = new Map([
      [conv2dWork('forward', large).name, 'tiled'],
      [conv2dWork('inputGrad', large).name, 'no-such-kernel'],
      [conv2dWork('forward', square(64, 56, 5)).name, 'winograd'],
    ]);
    expect(chooseConv2d(conv2dWork('forward', large), adapter('cpu', 8), tuned)).toBe('tiled');
    expect(chooseConv2d(conv2dWork('weightGrad', large), adapter('cpu', 8), tuned)).toBe('winograd');
    expect(chooseConv2d(conv2dWork('forward', { ...large, batch: 5 }), adapter('cpu', 8), tuned)).toBe('winograd');
    expect(chooseConv2d(conv2dWork('inputGrad', large), adapter('cpu', 8), tuned)).toBe('winograd');
    expect(chooseConv2d(conv2dWork('forward', square(64, 56, 5)), adapter('cpu', 8), tuned)).toBe('rows');
    expect(forced('rows', 'forward', large, adapter('cpu', 8), tuned)).toBe('rows');
    // `reference` is in no table and never measured, so it cannot be a tuned choice.
    const plainly = new Map([[conv2dWork('forward', large).name, 'reference']]);
    expect(chooseConv2d(conv2dWork('forward', large), adapter('cpu', 8), plainly)).toBe('winograd');
  });

  test('takes tiles in f16 unless the plain variant is forced, on any adapter and with any tuned choice', () => {
    const half = { ...large, half: true };
    const tuned = new Map([[conv2dWork('forward', half).name, 'winograd']]);
    for (const traits of [adapter('cpu', 8), adapter('cpu', 0), adapter('gpu', 32)]) {
      expect(conv2dCandidates(conv2dWork('forward', half), traits)).toEqual(['tiled']);
      expect(conv2dCandidates(conv2dWork('inputGrad', half), traits)).toEqual([]);
      expect(conv2dCandidates(conv2dWork('weightGrad', half), traits)).toEqual([]);
      expect(chooseConv2d(conv2dWork('forward', half), traits, tuned)).toBe('tiled');
      for (const variant of ['rows', 'winograd'] as const) {
        expect(forced(variant, 'forward', half, traits, tuned)).toBe('tiled');
      }
      expect(forced('reference', 'forward', half, traits, tuned)).toBe('reference');
    }
    expect(conv2dWork('forward', large, true).name).toBe(`${conv2dWork('forward', large).name} frozen`);
    expect(conv2dWork('forward', half).name).toBe(`${conv2dWork('forward', large).name} f16`);
  });

  test('every variant has the three passes', () => {
    for (const kernels of Object.values(conv2dVariants)) {
      for (const pass of PASSES) expect(kernels[pass]).toBeTypeOf('function');
    }
  });
});
