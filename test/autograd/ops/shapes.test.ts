/** Shapes that ops refuse, and the messages; labels that are no class; sizes beyond one grid dimension. */

import { describe, expect, test } from 'vitest';
import {
  add,
  backward,
  batchNorm2d,
  type Conv2dOptions,
  checkLabels,
  conv2d,
  countCorrect,
  crossEntropy,
  globalAvgPool2d,
  linear,
  maxPool2d,
  ShapeError,
  sizeOf,
  Tensor,
} from '../../../src/autograd/index.ts';
import { accumulate, fill } from '../../../src/kernels/elementwise/arithmetic.ts';
import { reluBackward } from '../../../src/kernels/elementwise/relu.ts';
import { EXACT, expectClose } from '../../support/compare.ts';
import { openAs, withGpu } from '../../support/gpu.ts';
import { untyped } from '../../support/untyped.ts';

const { gpuTest, gpu } = await withGpu();

const zeros = (...shape: number[]) => Tensor.zeros(gpu, shape);
const labelsOf = (...labels: number[]) => Tensor.from(gpu, Uint32Array.from(labels), [labels.length]);
const pool = (shape: number[], options: Parameters<typeof maxPool2d>[1]) => maxPool2d(zeros(...shape), options);
const batchNorm = (shape: number[], channels: number[], training = true, residual?: Tensor) => {
  const [weight, bias, mean, variance] = channels.map((count) => zeros(count));
  return batchNorm2d(zeros(...shape), weight!, bias!, mean!, variance!, { training, residual });
};

const convolve = (input: number[], weight: number[], options?: Conv2dOptions) =>
  conv2d(zeros(...input), zeros(...weight), undefined, options);

describe('a ShapeError names op, tensor, what was expected and what was found', () => {
  const refused: [string, () => unknown][] = [
    [
      'add: a [2, 3] and b [3, 2] do not fit. Aligned at the last dimension, extents must be equal, or one of them 1.',
      () => add(zeros(2, 3), zeros(3, 2)),
    ],
    ['linear: input must have shape [..., I], got [].', () => linear(zeros(), zeros(5, 4))],
    ['linear: weight must have shape [O, I], got [5].', () => linear(zeros(2, 3), zeros(5))],
    // Either may be the wrong one.
    ['linear: weight [3, 5] takes 5 features, but input [2, 3] has 3.', () => linear(zeros(2, 3), zeros(3, 5))],
    ['linear: bias must have shape [5], got [1, 5].', () => linear(zeros(2, 3), zeros(5, 3), zeros(1, 5))],
    ['globalAvgPool2d: input must have shape [N, C, H, W], got [2, 3].', () => globalAvgPool2d(zeros(2, 3))],
    ['batchNorm2d: input must have shape [N, C, H, W], got [2, 3, 4].', () => batchNorm([2, 3, 4], [3, 3, 3, 3])],
    ['batchNorm2d: weight must have shape [3], got [4].', () => batchNorm([2, 3, 4, 4], [4, 3, 3, 3])],
    ['batchNorm2d: bias must have shape [3], got [4].', () => batchNorm([2, 3, 4, 4], [3, 4, 3, 3])],
    ['batchNorm2d: runningMean must have shape [3], got [1].', () => batchNorm([2, 3, 4, 4], [3, 3, 1, 3])],
    ['batchNorm2d: runningVar must have shape [3], got [1].', () => batchNorm([2, 3, 4, 4], [3, 3, 3, 1], false)],
    [
      'batchNorm2d: residual must have shape [2, 3, 4, 4], got [2, 3, 4, 5].',
      () => batchNorm([2, 3, 4, 4], [3, 3, 3, 3], true, zeros(2, 3, 4, 5)),
    ],
    [
      'batchNorm2d: training needs more than one value per channel, got input [1, 3, 1, 1].',
      () => batchNorm([1, 3, 1, 1], [3, 3, 3, 3]),
    ],
    ['maxPool2d: input must have shape [N, C, H, W], got [4, 4].', () => pool([4, 4], { kernelSize: 2 })],
    [
      'maxPool2d: input must be at least as large as the kernel [3, 3] with padding [0, 0], got [1, 1, 2, 9].',
      () => pool([1, 1, 2, 9], { kernelSize: 3 }),
    ],
    ['crossEntropy: logits must have shape [N, C], got [4].', () => crossEntropy(zeros(4), labelsOf(1))],
    ['crossEntropy: labels must have shape [2], got [3].', () => crossEntropy(zeros(2, 4), labelsOf(1, 2, 3))],
    ['countCorrect: labels must have shape [2], got [1].', () => countCorrect(zeros(2, 4), labelsOf(1))],
    ['conv2d: input must have shape [N, C, H, W], got [3, 8, 8].', () => convolve([3, 8, 8], [4, 3, 3, 3])],
    ['conv2d: weight must have shape [O, I / groups, KH, KW], got [4, 27].', () => convolve([1, 3, 8, 8], [4, 27])],
    [
      'conv2d: weight [4, 1, 3, 3] takes 1 channels, but input [1, 3, 8, 8] has 3.',
      () => convolve([1, 3, 8, 8], [4, 1, 3, 3]),
    ],
    ['conv2d: bias must have shape [4], got [3].', () => conv2d(zeros(1, 3, 8, 8), zeros(4, 3, 3, 3), zeros(3))],
    ['conv2d: bias must have shape [4], got [4, 1].', () => conv2d(zeros(1, 3, 8, 8), zeros(4, 3, 3, 3), zeros(4, 1))],
    [
      'conv2d: the kernel 3x5 does not fit the input [1, 3, 8, 2] with padding 0, 1. Use larger images or more ' +
        'padding.',
      () => convolve([1, 3, 8, 2], [4, 3, 3, 5], { padding: [0, 1] }),
    ],
  ];
  for (const [message, run] of refused) {
    gpuTest(message, () => {
      expect(run).toThrow(ShapeError);
      expect(run).toThrow(message);
    });
  }

  gpuTest('labels of another type than u32 throw a DTypeError', () => {
    expect(() => crossEntropy(zeros(2, 4), untyped<Tensor<'u32'>>(zeros(2)))).toThrow(
      'crossEntropy: labels must hold u32 values, got f32.',
    );
    expect(() => countCorrect(zeros(2, 4), untyped<Tensor<'u32'>>(zeros(2)))).toThrow(
      'countCorrect: labels must hold u32 values, got f32.',
    );
  });

  gpuTest('evaluation mode takes one value per channel', () => {
    expect(batchNorm([1, 3, 1, 1], [3, 3, 3, 3], false).shape).toEqual([1, 3, 1, 1]);
  });
});

describe('labels beyond the classes', () => {
  gpuTest('make loss and gradient NaN, the gradient only in their row', async () => {
    const logits = zeros(2, 4);
    logits.requiresGrad = true;
    const loss = crossEntropy(logits, labelsOf(1, 4));
    expect(await loss.item()).toBeNaN();
    backward(loss);
    const grad = [...(await logits.grad!.data())];
    expect(grad.slice(0, 4)).toEqual([0.125, -0.375, 0.125, 0.125]);
    expect(grad.slice(4)).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
  });

  test('are found on the host by checkLabels', () => {
    expect(() => checkLabels(Uint32Array.of(0, 1, 2), 3)).not.toThrow();
    expect(() => checkLabels(Uint32Array.of(0, 3, 2), 3)).toThrow(ShapeError);
    expect(() => checkLabels(Uint32Array.of(0, 3, 2), 3)).toThrow(
      'crossEntropy: labels must be class indices from 0 to 2, got 3 at index 1.',
    );
  });
});

describe('batch norm', () => {
  gpuTest('moves the running statistics in training only, and raises their version', () => {
    const [weight, bias, mean, variance] = [zeros(2), zeros(2), zeros(2), zeros(2)];
    const start = [mean.storage.version, variance.storage.version] as const;
    const versions = () => [mean.storage.version - start[0], variance.storage.version - start[1]];
    batchNorm2d(zeros(2, 2, 1, 1), weight, bias, mean, variance, { training: false });
    expect(versions()).toEqual([0, 0]);
    batchNorm2d(zeros(2, 2, 1, 1), weight, bias, mean, variance, { training: true });
    expect(versions()).toEqual([1, 1]);
  });

  for (const training of [true, false]) {
    gpuTest(
      `runs only ReLU’s backward for the residual alone, ${training ? 'in training' : 'in evaluation mode'}`,
      async () => {
        const [one, none] = [Tensor.from(gpu, Float32Array.of(1), [1]), zeros(1)];
        const input = Tensor.from(gpu, Float32Array.of(-1, 1, -1, 1), [2, 1, 1, 2]);
        const residual = Tensor.from(gpu, Float32Array.of(0, 0, 5, -5), [2, 1, 1, 2]);
        residual.requiresGrad = true;
        const output = batchNorm2d(input, one, none, zeros(1), one.detach(), { training, residual, relu: true });
        // Backward may read the output only.
        for (const tensor of [input, one, none]) tensor.dispose();
        const seed = Tensor.from(gpu, Float32Array.of(1, 2, 3, 4), [2, 1, 1, 2]);
        const kernels: string[] = [];
        gpu.onDispatch = ({ program }) => kernels.push(program.name);
        backward(output, seed);
        gpu.onDispatch = undefined;
        expect(kernels).toEqual(['relu_backward']);
        expect([...(await residual.grad!.data())]).toEqual([0, 2, 3, 0]);
      },
    );
  }

  gpuTest('keeps its precision on large planes far from zero', async () => {
    // 2 × 112² values around 30 with standard deviation 0.3: their sum is 750,000, and the variance a small remainder.
    const [batch, plane] = [2, 112 * 112];
    const values = Float32Array.from({ length: batch * plane }, (_, i) => 30 + 0.4 * Math.sin(i * 1.7 + (i % 97)));
    const count = values.length;
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const input = Tensor.from(gpu, values, [batch, 1, 112, 112]);
    const one = Tensor.from(gpu, Float32Array.of(1), [1]);
    const [runningMean, runningVar] = [zeros(1), zeros(1)];
    const options = { training: true, momentum: 1 };
    const output = batchNorm2d(input, one, zeros(1), runningMean, runningVar, options);
    // The mean is right to 2 ulps. A plain running sum would be off by 1e-5 of it.
    expectClose('mean', await runningMean.data(), [mean], { atol: 0, rtol: 2.4e-7 });
    // An ulp of 30 is 6e-6 of the standard deviation, but such errors have both signs and cancel in the sum.
    expectClose('variance', await runningVar.data(), [squares / (count - 1)], { atol: 0, rtol: 1e-6 });
    const scale = 1 / Math.sqrt(squares / count + 1e-5);
    const expected = Float32Array.from(values, (value) => (value - mean) * scale);
    // Half an ulp of the mean, 1e-6, over the standard deviation, and as much again for the rounding of a few
    // operations.
    expectClose('output', await output.data(), expected, { atol: 8e-6, rtol: 1e-6 });
  });
});

/** 70,000 is more than the 65,535 workgroups that one dimension may have. */
describe('more planes, rows or channels than one grid dimension has workgroups', () => {
  const many = 70_000;
  const ramp = (...shape: number[]) => {
    const tensor = Tensor.from(
      gpu,
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => (i % 1000) - 500),
      shape,
    );
    tensor.requiresGrad = true;
    return tensor;
  };
  const rampAt = (i: number) => (i % 1000) - 500;
  const all = (value: (i: number) => number, length = many) => Float32Array.from({ length }, (_, i) => value(i));
  const vector = (value: number, length: number) => Tensor.from(gpu, new Float32Array(length).fill(value), [length]);
  /** Runs backward with the output itself as the seed. */
  const differentiate = (output: Tensor) => {
    const seed = output.detach();
    backward(output, seed);
    return output.data();
  };

  gpuTest('pooling', async () => {
    const x = ramp(many, 1, 1, 1);
    for (const run of [globalAvgPool2d, (input: Tensor) => maxPool2d(input, { kernelSize: 1 })]) {
      x.zeroGrad();
      expectClose('output', await differentiate(run(x)), all(rampAt), EXACT);
      expectClose('gradient', await x.grad!.data(), all(rampAt), EXACT);
    }
  });

  gpuTest('batch norm of many images and of many channels', async () => {
    const images = ramp(many, 1, 1, 1);
    const stats = [vector(2, 1), vector(1, 1), vector(0, 1), vector(1, 1)] as const;
    const evaluated = batchNorm2d(images, ...stats, { training: false, eps: 0 });
    expectClose(
      'output',
      await differentiate(evaluated),
      all((i) => 2 * rampAt(i) + 1),
      EXACT,
    );
    expectClose(
      'gradient',
      await images.grad!.data(),
      all((i) => 2 * (2 * rampAt(i) + 1)),
      EXACT,
    );

    // Two images with opposite signs: mean 0 and variance v² in every channel.
    const pairs = Tensor.from(
      gpu,
      all((i) => (i < many ? 1 : -1) * (((i % many) % 7) + 1), 2 * many),
      [2, many, 1, 1],
    );
    const [mean, variance] = [vector(0, many), vector(0, many)];
    const options = { training: true, momentum: 1, eps: 0 };
    const output = batchNorm2d(pairs, vector(1, many), vector(0, many), mean, variance, options);
    const expected = all((i) => (i < many ? 1 : -1), 2 * many);
    // A square root and a division, each right to about an ulp.
    expectClose('output', await output.data(), expected, { atol: 5e-7, rtol: 0 });
    expectClose(
      'running variance',
      await variance.data(),
      all((i) => 2 * ((i % 7) + 1) ** 2),
      { atol: 0, rtol: 1e-6 },
    );
  });

  gpuTest('convolution', async () => {
    // On a CPU adapter a workgroup takes 4 or 8 images of one pixel. On a GPU only the bias has this many workgroups.
    const images = 8 * many + 100;
    const x = ramp(images, 1, 1, 1);
    const bias = vector(1, 1);
    bias.requiresGrad = true;
    const weight = Tensor.from(gpu, Float32Array.of(2), [1, 1, 1, 1]);
    const expected = all((i) => 2 * rampAt(i) + 1, images);
    expectClose('output', await differentiate(conv2d(x, weight, bias)), expected, EXACT);
    const inputGrad = expected.map((value) => 2 * value);
    expectClose('input gradient', await x.grad!.data(), inputGrad, EXACT);
    // Whole numbers, whose sums stay below 2²⁴.
    const sum = expected.reduce((total, value) => total + value, 0);
    expectClose('bias gradient', await bias.grad!.data(), [sum], EXACT);
  });

  gpuTest('linear', async () => {
    const rows = ramp(many, 1);
    const weight = Tensor.from(gpu, Float32Array.of(2), [1, 1]);
    expectClose(
      'output',
      await differentiate(linear(rows, weight)),
      all((i) => 2 * rampAt(i)),
      EXACT,
    );
    expectClose(
      'gradient',
      await rows.grad!.data(),
      all((i) => 4 * rampAt(i)),
      EXACT,
    );

    const outputs = ramp(many, 1);
    const three = Tensor.from(gpu, Float32Array.of(3), [1, 1]);
    const bias = vector(1, many);
    bias.requiresGrad = true;
    expectClose(
      'output',
      await differentiate(linear(three, outputs, bias)),
      all((i) => 3 * rampAt(i) + 1),
      EXACT,
    );
    expectClose(
      'gradient',
      await outputs.grad!.data(),
      all((i) => 3 * (3 * rampAt(i) + 1)),
      EXACT,
    );
    expectClose(
      'gradient',
      await bias.grad!.data(),
      all((i) => 3 * rampAt(i) + 1),
      EXACT,
    );
  });

  gpuTest('cross entropy and the count of correct rows', async () => {
    const logits = Tensor.zeros(gpu, [many, 2]);
    logits.requiresGrad = true;
    const labels = Tensor.from(
      gpu,
      Uint32Array.from({ length: many }, (_, i) => i % 2),
      [many],
    );
    const loss = crossEntropy(logits, labels);
    // All losses are equal, so all roundings of a sum go the same way: 16 in a run, 68 runs.
    expectClose('loss', [await loss.item()], [Math.LN2], { atol: 2e-6, rtol: 0 });
    backward(loss);
    const expected = all((i) => (((i >> 1) % 2 === i % 2 ? -1 : 1) * 0.5) / many, 2 * many);
    expectClose('gradient', await logits.grad!.data(), expected, { atol: 0, rtol: 1e-6 });
    const right = new Uint32Array((await countCorrect(logits, labels).data()).buffer);
    expect(right).toEqual(Uint32Array.of(many / 2));
  });
});

describe.each(['cpu', 'gpu'] as const)('elementwise kernels as on a %s', (kind) => {
  gpuTest('fill, accumulate and the backward of relu write every element and none beyond', async () => {
    const device = await openAs({ kind });
    // Below, at and above the size of a workgroup, of single values and of vectors of four.
    for (const count of [1, 511, 512, 513, 1024, 1025, 2000, 4096, 4100, 9001]) {
      const [sum, source, negative] = Array.from({ length: 3 }, () => Tensor.zeros(device, [count + 3]));
      fill(device, count, 0.25, source!.buffer);
      fill(device, count, -2, sum!.buffer);
      accumulate(device, count, source!.buffer, sum!.buffer);
      reluBackward(device, count, source!.buffer, sum!.buffer, negative!.buffer);
      const filled = (value: number) => Float32Array.from({ length: count + 3 }, (_, i) => (i < count ? value : 0));
      expect(await sum!.data()).toEqual(filled(-1.75));
      expect(await negative!.data()).toEqual(filled(-1.75));
      for (const tensor of [sum, source, negative]) tensor!.dispose();
    }
  });
});
