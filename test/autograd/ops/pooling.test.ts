/**
 * Average pooling, and max pooling with `ceilMode` and `dilation`: golden values, gradients, planted errors; what
 * golden files cannot say about shapes and options. Other cases of max pooling are in `golden.test.ts`.
 */
import { describe, expect } from 'vitest';
import {
  type AvgPoolOptions,
  adaptiveAvgPool2d,
  avgPool2d,
  backward,
  globalAvgPool2d,
  type MaxPoolOptions,
  maxPool2d,
  OptionError,
  type Pair,
  ShapeError,
  type Tensor,
} from '../../../src/autograd/index.ts';
import { withGpu } from '../../support/gpu.ts';
import { apart, leaf, testFamily } from './family.ts';

const forTests = await withGpu({ poisoned: true });
const { gpuTest, gpu } = forTests;

testFamily(forTests, {
  golden: 'pooling',
  runs: {
    maxPool2d: ({ input }, options) => maxPool2d(input!, options as unknown as MaxPoolOptions),
    avgPool2d: ({ input }, options) => avgPool2d(input!, options as unknown as AvgPoolOptions),
    adaptiveAvgPool2d: ({ input }, { size }) => adaptiveAvgPool2d(input!, size as Pair),
  },
  tolerances: {
    // Forward copies. Backward adds at most 54 gradients of both signs, in torch's order.
    maxPool2d: { atol: 5e-7, rtol: 2e-7 },
    // Sums of up to 500 values around 1, then divided: a few roundings of the partial sums. Those that are divided by
    // less than their number of values (divisorOverride) are larger.
    avgPool2d: { atol: 1e-6, rtol: 5e-7 },
    adaptiveAvgPool2d: { atol: 3e-7, rtol: 3e-7 },
  },
  subjects: {
    'maxPool2d with ceilMode': {
      inputs: (device) => [leaf(device, [2, 2, 6, 5], apart)],
      fn: (input) => maxPool2d(input, { kernelSize: 3, stride: 2, padding: 1, ceilMode: true }),
    },
    'maxPool2d with dilation': {
      inputs: (device) => [leaf(device, [1, 2, 6, 7], apart)],
      fn: (input) => maxPool2d(input, { kernelSize: 2, stride: [1, 2], padding: 1, dilation: [2, 3] }),
    },
    avgPool2d: {
      inputs: (device) => [leaf(device, [2, 2, 7, 6])],
      fn: (input) => avgPool2d(input, { kernelSize: 3, stride: 2, padding: 1, ceilMode: true }),
    },
    'avgPool2d of many taps': {
      inputs: (device) => [leaf(device, [1, 2, 12, 11])],
      fn: (input) => avgPool2d(input, { kernelSize: 9, stride: [3, 1], padding: 4, countIncludePad: false }),
    },
    adaptiveAvgPool2d: {
      inputs: (device) => [leaf(device, [2, 2, 7, 5])],
      fn: (input) => adaptiveAvgPool2d(input, [3, 2]),
    },
  },
  planted: [
    [
      'padding before a dilated window is not skipped by whole steps',
      'maxPool2d',
      'output',
      { find: 'start + DILATION - 1u) / DILATION', replace: 'start) / DILATION' },
    ],
    [
      'a window without a tap in the image is 0',
      'maxPool2d',
      'output',
      { find: 'Maximum(bitcast<f32>(infinity)', replace: 'Maximum(0.0' },
    ],
    [
      'a dilated window is one step short',
      'maxPool2d',
      'output',
      { find: '(KERNEL - 1u) * DILATION + 1u', replace: '(KERNEL - 1u) * DILATION' },
    ],
    [
      'the mean counts pixels beyond the padding',
      'avgPool2d',
      'output',
      { find: /min\(KERNEL.y, .*? - start\)/, replace: 'KERNEL.y' },
    ],
    [
      'the mean counts only one side of the padding',
      'avgPool2d',
      'output',
      { find: '2u * PADDING.x - start', replace: 'PADDING.x - start' },
    ],
    [
      'a row in the padding is taken from the image',
      'avgPool2d',
      'output',
      { find: /\(tapY0 >= PADDING.y\) & /, replace: '' },
    ],
    [
      'the pixel before the padding is left out',
      'avgPool2d',
      'output',
      { find: /(tapX\d+) < params.width \+ PADDING.x/g, replace: '$1 + 1u < params.width + PADDING.x' },
    ],
    ['a run of a large window is cut short', 'avgPool2d', 'output', { find: 'sum += run;', replace: 'sum = run;' }],
    [
      'the first window over a pixel is left out',
      'avgPool2d',
      'inputGrad',
      { find: ' / STRIDE.y + 1u, padded >= KERNEL.y', replace: ' / STRIDE.y + 2u, padded >= KERNEL.y' },
    ],
    [
      'the last window over a pixel is left out',
      'avgPool2d',
      'inputGrad',
      { find: 'padded / STRIDE.x + 1u', replace: 'padded / STRIDE.x' },
    ],
    [
      'windows that do not exist have a gradient',
      'avgPool2d',
      'inputGrad',
      { find: / & \(column\w+ < params.outWidth\)/g, replace: '' },
    ],
    [
      'every window has the first one’s divisor',
      'avgPool2d',
      'inputGrad',
      { find: 'divisorOf(rowWindow, columnsOf(column))', replace: 'divisorOf(rowWindow, columnsOf(0u))' },
    ],
    [
      'a window ends a pixel early',
      'adaptiveAvgPool2d',
      'output',
      { find: ' + params.outWidth - 1u) / params.outWidth', replace: ') / params.outWidth' },
    ],
    [
      'a window that begins between two pixels begins at the second',
      'adaptiveAvgPool2d',
      'output',
      {
        find: 'window * params.height / params.outHeight',
        replace: '(window * params.height + params.outHeight - 1u) / params.outHeight',
      },
    ],
    [
      'the last window over a pixel is left out',
      'adaptiveAvgPool2d',
      'inputGrad',
      { find: ' + params.width - 1u) / params.width', replace: ') / params.width' },
    ],
    [
      'the second window over a pixel is taken always',
      'adaptiveAvgPool2d',
      'inputGrad',
      { find: ', rows.x + 1u < rows.y)', replace: ', true)' },
    ],
  ],
});

const POOLS: Readonly<Record<string, (input: Tensor) => Tensor>> = {
  maxPool2d: (input) => maxPool2d(input, { kernelSize: 2 }),
  avgPool2d: (input) => avgPool2d(input, { kernelSize: 2 }),
  adaptiveAvgPool2d: (input) => adaptiveAvgPool2d(input, 2),
  globalAvgPool2d,
};

describe('without values', () => {
  for (const [name, pool] of Object.entries(POOLS)) {
    gpuTest(`${name} of an empty batch is empty, and so is its gradient`, async () => {
      const input = leaf(gpu, [0, 3, 4, 4]);
      const output = pool(input);
      const side = name === 'globalAvgPool2d' ? 1 : 2;
      expect(output.shape).toEqual([0, 3, side, side]);
      backward(output, leaf(gpu, [...output.shape]));
      expect(input.grad!.shape).toEqual([0, 3, 4, 4]);
      expect(await input.grad!.data()).toHaveLength(0);
    });
  }

  for (const name of ['maxPool2d', 'avgPool2d']) {
    gpuTest(`${name} refuses images without channels or pixels`, () => {
      for (const shape of [
        [2, 0, 4, 4],
        [2, 3, 0, 4],
        [2, 3, 4, 0],
        [0, 3, 0, 4],
      ]) {
        const run = () => POOLS[name]!(leaf(gpu, shape));
        expect(run).toThrow(ShapeError);
        expect(run).toThrow(
          `${name}: input must have channels and pixels, only its batch may be 0, got [${shape.join(', ')}].`,
        );
      }
    });
  }

  gpuTest('images without pixels have the mean NaN, and a gradient without values', async () => {
    for (const pool of [globalAvgPool2d, (input: Tensor) => adaptiveAvgPool2d(input, 1)]) {
      const input = leaf(gpu, [2, 3, 4, 0]);
      const output = pool(input);
      expect(output.shape).toEqual([2, 3, 1, 1]);
      expect(await output.data()).toEqual(new Float32Array(6).fill(Number.NaN));
      backward(output, leaf(gpu, [2, 3, 1, 1]));
      expect(input.grad!.shape).toEqual([2, 3, 4, 0]);
    }
  });

  gpuTest('adaptiveAvgPool2d takes no channels and outputs of no pixels, but no images without pixels', async () => {
    expect(adaptiveAvgPool2d(leaf(gpu, [2, 0, 4, 4]), 2).shape).toEqual([2, 0, 2, 2]);
    const input = leaf(gpu, [1, 1, 2, 2]);
    const output = adaptiveAvgPool2d(input, [0, 2]);
    expect(output.shape).toEqual([1, 1, 0, 2]);
    backward(output, leaf(gpu, [1, 1, 0, 2]));
    expect(await input.grad!.data()).toEqual(new Float32Array(4));
    expect(() => adaptiveAvgPool2d(leaf(gpu, [2, 3, 0, 4]), 2)).toThrow(
      'adaptiveAvgPool2d: input must have pixels for an outputSize other than 1, got [2, 3, 0, 4] to [2, 2].',
    );
  });
});

describe('shapes and options', () => {
  gpuTest('a window must fit, unless ceilMode lets it reach beyond the image', () => {
    const options = { kernelSize: 3, stride: 2 };
    const input = leaf(gpu, [1, 1, 2, 9]);
    const message = 'input must be at least as large as the kernel [3, 3] with padding [0, 0], got [1, 1, 2, 9].';
    for (const [name, pool] of [
      ['maxPool2d', maxPool2d],
      ['avgPool2d', avgPool2d],
    ] as const) {
      expect(() => pool(input, options)).toThrow(ShapeError);
      expect(() => pool(input, options)).toThrow(`${name}: ${message}`);
      expect(pool(input, { ...options, ceilMode: true }).shape).toEqual([1, 1, 1, 4]);
    }
    expect(() => maxPool2d(input, { kernelSize: 2, dilation: 2 })).toThrow(
      'maxPool2d: input must be at least as large as the kernel [2, 2], dilation [2, 2] with padding [0, 0], got ' +
        '[1, 1, 2, 9].',
    );
  });

  gpuTest('the options of avgPool2d are checked', () => {
    const pool = (options: object) => () => avgPool2d(leaf(gpu, [1, 1, 4, 4]), { kernelSize: 2, ...options });
    for (const [options, message] of [
      [{ padding: 2 }, 'avgPool2d: padding must be at most half the kernel size [2, 2], got [2, 2].'],
      [{ ceilMode: 1 }, 'avgPool2d: ceilMode must be true or false, got 1.'],
      [{ countIncludePad: null }, 'avgPool2d: countIncludePad must be true or false, got null.'],
      [{ divisorOverride: 0 }, 'avgPool2d: divisorOverride must be a whole number of at least 1, got 0.'],
      [{ divisorOverride: 1.5 }, 'avgPool2d: divisorOverride must be a whole number of at least 1, got 1.5.'],
      [
        { dilation: 2 },
        'avgPool2d: option dilation is not implemented. Leave it out; the options are kernelSize, stride, padding, ' +
          'ceilMode, countIncludePad, divisorOverride.',
      ],
    ] as const) {
      expect(pool(options)).toThrow(OptionError);
      expect(pool(options)).toThrow(message);
    }
  });

  gpuTest('adaptiveAvgPool2d refuses sizes that are no whole numbers, and products beyond 32 bits', () => {
    const input = leaf(gpu, [1, 1, 1, 70_000]);
    expect(() => adaptiveAvgPool2d(input, [1, 1.5])).toThrow('adaptiveAvgPool2d: outputSize must be a whole number');
    expect(() => adaptiveAvgPool2d(input, [1, 69_999])).toThrow(
      'adaptiveAvgPool2d: extents in and out must have a product below 2³², got [1, 1, 1, 70000] to [1, 69999].',
    );
  });

  gpuTest('an adaptive pool of size 1 is the global one, to the bit', async () => {
    const input = leaf(gpu, [2, 3, 21, 17]);
    expect(await adaptiveAvgPool2d(input, 1).data()).toEqual(await globalAvgPool2d(input).data());
  });
});
