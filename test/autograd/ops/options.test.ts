/** The options of ops: bad values and their error messages, and the equivalence of a number and a pair. */
import { describe, expect, test } from 'vitest';
import type { BatchNormOptions } from '../../../src/autograd/ops/batch-norm2d.ts';
import type { Conv2dOptions } from '../../../src/autograd/ops/conv2d.ts';
import { conv2dBatchNorm2d } from '../../../src/autograd/ops/conv2d-batch-norm2d.ts';
import { checkLabels } from '../../../src/autograd/ops/cross-entropy.ts';
import type { MaxPoolOptions } from '../../../src/autograd/ops/max-pool2d.ts';
import {
  backward,
  batchNorm2d,
  checkGradients,
  conv2d,
  DawngradError,
  maxPool2d,
  noGrad,
  OptionError,
  relu,
  Tensor,
  toDType,
} from '../../../src/index.ts';
import { forceConv2dVariant } from '../../support/force.ts';
import { withGpu } from '../../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

const zeros = (...shape: number[]) => Tensor.zeros(gpu, shape);
const ramp = (...shape: number[]) => {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Tensor.from(
    gpu,
    Float32Array.from({ length: size }, (_, i) => (i % 7) - 3),
    shape,
  );
};

/** Takes any value as options, as plain JavaScript could pass them. */
const convolve = (options: unknown) => conv2d(ramp(1, 3, 8, 8), ramp(4, 3, 3, 3), undefined, options as Conv2dOptions);
const pool = (options: unknown) => maxPool2d(ramp(1, 2, 8, 8), options as MaxPoolOptions);
const norms = () => ({ weight: zeros(3), bias: zeros(3), runningMean: zeros(3), runningVar: zeros(3) });
const normalise = (options: unknown) => {
  const { weight, bias, runningMean, runningVar } = norms();
  return batchNorm2d(ramp(2, 3, 2, 2), weight, bias, runningMean, runningVar, options as BatchNormOptions);
};
const both = (options: unknown) => {
  const all = { training: false, ...(options as object) } as BatchNormOptions & Conv2dOptions;
  return noGrad(() => conv2dBatchNorm2d(ramp(1, 2, 5, 5), ramp(3, 2, 3, 3), norms(), all));
};

/** Values that are neither a whole number of at least `least` nor a pair of them, with their text in a message. */
const wrongPairs = (least: number): [value: unknown, shown: string][] => [
  [least - 1, `${least - 1}`],
  [[1, least - 1], `[1, ${least - 1}]`],
  [1.5, '1.5'],
  [[1.5, 1], '[1.5, 1]'],
  [nan, 'NaN'],
  [[1, nan], '[1, NaN]'],
  [infinity, 'Infinity'],
  [[1], '[1]'],
  [[], '[]'],
  [[2, 2, 2], '[2, 2, 2]'],
  [[1, undefined], '[1, undefined]'],
  [null, 'null'],
  [[null, 1], '[null, 1]'],
  ['same', '"same"'],
  ['11', '"11"'],
  [true, 'true'],
  [{}, 'an object'],
];

function refuses(run: () => unknown, message: string): void {
  expect(run).toThrow(OptionError);
  expect(run).toThrow(message);
}

describe('a pair', () => {
  for (const [owner, name, least, run] of [
    ['conv2d', 'stride', 1, (stride: unknown) => convolve({ stride })],
    ['conv2d', 'padding', 0, (padding: unknown) => convolve({ padding })],
    ['conv2d', 'dilation', 1, (dilation: unknown) => convolve({ dilation })],
    ['conv2d', 'stride', 1, (stride: unknown) => both({ stride })],
    ['conv2d', 'dilation', 1, (dilation: unknown) => both({ dilation })],
    ['maxPool2d', 'kernelSize', 1, (kernelSize: unknown) => pool({ kernelSize })],
    ['maxPool2d', 'stride', 1, (stride: unknown) => pool({ kernelSize: 2, stride })],
    ['maxPool2d', 'padding', 0, (padding: unknown) => pool({ kernelSize: 2, padding })],
    ['maxPool2d', 'dilation', 1, (dilation: unknown) => pool({ kernelSize: 2, dilation })],
  ] as const) {
    for (const [value, shown] of wrongPairs(least)) {
      gpuTest(`${owner} refuses ${name} ${shown}`, () => {
        const message =
          `${owner}: ${name} must be a whole number of at least ${least}, or [height, width] of such numbers, ` +
          `got ${shown}.`;
        refuses(() => run(value), message);
      });
    }
  }

  gpuTest('has an upper bound, beyond which offsets would not fit 32 bits', () => {
    refuses(
      () => convolve({ stride: [1, 2 ** 32] }),
      'conv2d: stride must be a whole number of at most 16777216, or [height, width] of such numbers, got ' +
        '[1, 4294967296].',
    );
    refuses(
      () => pool({ kernelSize: 2, stride: 2 ** 24 + 1 }),
      'maxPool2d: stride must be a whole number of at most 16777216',
    );
  });

  for (const variant of ['reference', 'tiled', 'rows'] as const) {
    gpuTest(`the largest stride acts like any stride beyond the input: ${variant}`, async () => {
      const results = async (stride: number) => {
        const [input, weight] = [ramp(1, 3, 8, 8), ramp(4, 3, 3, 3)];
        for (const tensor of [input, weight]) tensor.requiresGrad = true;
        const output = conv2d(input, weight, undefined, { stride, padding: 1 });
        backward(output, ramp(1, 4, 1, 1));
        return Promise.all([output.data(), input.grad!.data(), weight.grad!.data()]);
      };
      forceConv2dVariant(variant);
      try {
        expect(await results(2 ** 24)).toEqual(await results(10));
      } finally {
        forceConv2dVariant(undefined);
      }
    });
  }

  gpuTest('the largest stride acts like any stride beyond the input: maxPool2d', async () => {
    const results = async (stride: number) => {
      const input = ramp(1, 2, 8, 8);
      input.requiresGrad = true;
      const output = maxPool2d(input, { kernelSize: 3, stride, padding: 1 });
      backward(output, ramp(1, 2, 1, 1));
      return Promise.all([output.data(), input.grad!.data()]);
    };
    expect(await results(2 ** 24)).toEqual(await results(10));
  });

  gpuTest('of two equal numbers acts like that number', async () => {
    const options = { stride: 2, padding: 1 };
    const pairs = { stride: [2, 2], padding: [1, 1] } as const;
    expect(await convolve(options).data()).toEqual(await convolve(pairs).data());
    expect(convolve(options).shape).toEqual([1, 4, 4, 4]);
    expect(convolve({ stride: undefined }).shape).toEqual([1, 4, 6, 6]);
    expect(await both(options).data()).toEqual(await both(pairs).data());
    const window = { kernelSize: [3, 3], ...pairs };
    expect(await pool({ kernelSize: 3, ...options }).data()).toEqual(await pool(window).data());
    // The stride defaults to the kernel's size.
    expect(pool({ kernelSize: [2, 4], stride: undefined }).shape).toEqual([1, 2, 4, 2]);
  });

  gpuTest('maxPool2d refuses more padding than half the kernel', () => {
    const most = 'maxPool2d: padding must be at most half the kernel size';
    refuses(() => pool({ kernelSize: 3, padding: [1, 2] }), `${most} [3, 3], got [1, 2].`);
    refuses(() => pool({ kernelSize: [4, 1], padding: 1 }), `${most} [4, 1], got [1, 1].`);
    expect(pool({ kernelSize: [4, 1], padding: [2, 0] }).shape).toEqual([1, 2, 3, 8]);
  });
});

describe('a number', () => {
  for (const value of [-1, nan, infinity, null, '1', 1e39]) {
    gpuTest(`batchNorm2d refuses eps ${value}`, () => {
      const message = `batchNorm2d: eps must be a finite number of at least 0, got ${value === '1' ? '"1"' : value}.`;
      refuses(() => normalise({ training: true, eps: value }), message);
      refuses(() => both({ eps: value }), message);
    });
  }
  for (const value of [-0.1, 1.1, nan, infinity, null, '1']) {
    gpuTest(`batchNorm2d refuses momentum ${value}`, () => {
      const message = `batchNorm2d: momentum must be a number from 0 to 1, got ${value === '1' ? '"1"' : value}.`;
      refuses(() => normalise({ training: true, momentum: value }), message);
      refuses(() => both({ momentum: value }), message);
    });
  }

  for (const value of [0, -1, 1.5, nan, infinity]) {
    test(`checkLabels refuses ${value} classes`, () => {
      const check = () => checkLabels(Uint32Array.of(0), value);
      refuses(check, `checkLabels: classes must be a whole number of at least 1, got ${value}.`);
    });
  }

  gpuTest('checkGradients refuses options with which it would check nothing', async () => {
    const input = ramp(3);
    input.requiresGrad = true;
    const check = (options: object) => checkGradients((x) => relu(x!), [input], options);
    for (const [options, message] of [
      [{ directions: 0 }, 'checkGradients: directions must be a whole number of at least 1, got 0.'],
      [{ directions: nan }, 'checkGradients: directions must be a whole number of at least 1, got NaN.'],
      [{ tolerance: nan }, 'checkGradients: tolerance must be a finite number of at least 0, got NaN.'],
      [{ tolerance: infinity }, 'checkGradients: tolerance must be a finite number of at least 0, got Infinity.'],
      [{ tolerance: 0 }, 'checkGradients: tolerance must be above 0, got 0.'],
      [{ epsilon: 0 }, 'checkGradients: epsilon must be above 0, got 0.'],
      [{ eps: 1e-3 }, 'checkGradients: option eps is not implemented.'],
    ] as const) {
      await expect(check(options)).rejects.toThrow(message);
    }
  });
});

describe('true or false', () => {
  for (const value of [1, 0, null, 'false']) {
    gpuTest(`maxPool2d refuses ceilMode ${value}`, () => {
      const message = `maxPool2d: ceilMode must be true or false, got ${value === 'false' ? '"false"' : value}.`;
      refuses(() => pool({ kernelSize: 2, ceilMode: value }), message);
    });
    gpuTest(`batchNorm2d refuses ${value}`, () => {
      const shown = value === 'false' ? '"false"' : value;
      refuses(() => normalise({ training: value }), `batchNorm2d: training must be true or false, got ${shown}.`);
      refuses(
        () => normalise({ training: true, relu: value }),
        `batchNorm2d: relu must be true or false, got ${shown}.`,
      );
      refuses(() => both({ relu: value }), `batchNorm2d: relu must be true or false, got ${shown}.`);
    });
  }

  gpuTest('batchNorm2d requires the option training', () => {
    refuses(() => normalise({}), 'batchNorm2d: training must be true or false, got undefined.');
  });
});

describe('an option that would be ignored', () => {
  for (const [owner, names, run] of [
    ['conv2d', 'stride, padding, dilation, groups', convolve],
    [
      'maxPool2d',
      'kernelSize, stride, padding, ceilMode, dilation',
      (options: object) => pool({ kernelSize: 2, ...options }),
    ],
    [
      'batchNorm2d',
      'training, momentum, eps, residual, relu',
      (options: object) => normalise({ training: true, ...options }),
    ],
    ['batchNorm2d', 'training, momentum, eps, residual, relu', both],
  ] as const) {
    for (const name of ['paddingMode', 'ceilMode', 'constructor', '__proto__x']) {
      if (names.split(', ').includes(name)) continue;
      gpuTest(`${owner} refuses ${name}`, () => {
        const message = `${owner}: option ${name} is not implemented. Leave it out; the options are ${names}.`;
        refuses(() => run({ [name]: 1 }), message);
        expect(() => run({ [name]: undefined })).not.toThrow();
      });
    }
  }

  gpuTest('options that are not an object are refused', () => {
    refuses(
      () => pool(undefined),
      'maxPool2d: options must be an object with kernelSize, stride, padding, ceilMode, dilation, got undefined.',
    );
    refuses(
      () => convolve(null),
      'conv2d: options must be an object with stride, padding, dilation, groups, got null.',
    );
    refuses(() => convolve(2), 'conv2d: options must be an object with stride, padding, dilation, groups, got 2.');
    refuses(() => normalise(true), 'batchNorm2d: options must be an object with training,');
    refuses(() => pool({}), 'maxPool2d: kernelSize must be a whole number of at least 1');
  });
});

gpuTest('toDType makes f32 and f16 only', () => {
  const convert = () => toDType(ramp(3), 'u32' as 'f32');
  expect(convert).toThrow(DawngradError);
  expect(convert).toThrow('toDType: dtype must be f32 or f16, got u32.');
});
