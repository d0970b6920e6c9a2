/** Reductions and softmax: golden values, gradients, planted errors; long rows, errors and empty tensors. */
import { describe, expect } from 'vitest';
import {
  argmax,
  argmin,
  backward,
  type Dims,
  DTypeError,
  logSoftmax,
  logsumexp,
  max,
  mean,
  min,
  OptionError,
  type ReduceOptions,
  ShapeError,
  softmax,
  sum,
  Tensor,
} from '../../../src/autograd/index.ts';
import { EXACT, expectClose } from '../../support/compare.ts';
import { openAs, withGpu } from '../../support/gpu.ts';
import { apart, leaf, testFamily } from './family.ts';
import type { Case, Run } from './golden.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

type Reduce = (input: Tensor, dims?: Dims, options?: ReduceOptions) => Tensor;

/** How a golden case calls an op: options that it does not have are left out. */
const over =
  (op: Reduce): Run =>
  ({ input }, { dims, ...options }) =>
    op(input!, dims as Dims | undefined, options);
const along =
  (op: typeof argmax): Run =>
  ({ input }, { dim, ...options }) =>
    op(input!, dim as number | undefined, options) as unknown as Tensor;
const within =
  (op: typeof softmax): Run =>
  ({ input }, { dim }) =>
    op(input!, dim as number);

/** The largest finite magnitude of a case's result. */
const largest = ({ expected }: Case, result: string) =>
  (expected[result]!.values as Float32Array).reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    0,
  );

// A row of exponentials has errors of exp, 3 + 2|x| ulps in WGSL, and of log, an absolute 2⁻²¹.
const exponential = { atol: 1e-6, rtol: 2e-6 };

testFamily(
  { gpuTest, gpu },
  {
    golden: 'reduction',
    runs: {
      sum: over(sum),
      mean: over(mean),
      max: over(max),
      min: over(min),
      logsumexp: over(logsumexp),
      argmax: along(argmax),
      argmin: along(argmin),
      softmax: within(softmax),
      logSoftmax: within(logSoftmax),
    },
    tolerances: {
      // Up to 240 terms around 1 of both signs, added in a tree. Gradients are copies.
      sum: (_, result) => (result === 'output' ? { atol: 2e-6, rtol: 2e-7 } : EXACT),
      mean: { atol: 2e-7, rtol: 2e-7 },
      // They choose values. A gradient is divided by the number of equal ones.
      max: (_, result) => (result === 'output' ? EXACT : { atol: 0, rtol: 2e-7 }),
      min: (_, result) => (result === 'output' ? EXACT : { atol: 0, rtol: 2e-7 }),
      argmax: EXACT,
      argmin: EXACT,
      // The gradient is exp(input − output), and an output that is far from 0 has an error of half an ulp. So has torch's.
      logsumexp: (one, result) => ({
        atol: 1e-6,
        rtol: 2e-6 + (result === 'inputGrad' ? 2 ** -23 * largest(one, 'output') : 0),
      }),
      softmax: exponential,
      logSoftmax: exponential,
    },
    subjects: {
      sum: { inputs: () => [leaf(gpu, [3, 5, 4])], fn: (x) => sum(x!, [0, 2]) },
      mean: { inputs: () => [leaf(gpu, [3, 5, 4])], fn: (x) => mean(x!, 1) },
      max: { inputs: () => [leaf(gpu, [4, 5, 3], apart)], fn: (x) => max(x!, [0, 2]) },
      min: { inputs: () => [leaf(gpu, [4, 5, 3], apart)], fn: (x) => min(x!, 1) },
      logsumexp: { inputs: () => [leaf(gpu, [3, 5, 4])], fn: (x) => logsumexp(x!, [0, 2]) },
      softmax: { inputs: () => [leaf(gpu, [3, 5, 4])], fn: (x) => softmax(x!, 1) },
      logSoftmax: { inputs: () => [leaf(gpu, [3, 8])], fn: (x) => logSoftmax(x!, -1) },
    },
    planted: [
      ['the last term of a run', 'sum', 'output', { find: 't < runEnd', replace: 't + ACROSS < runEnd' }],
      ['the last term of a short row', 'sum', 'output', { find: /t < slice\.end/g, replace: 't + 1u < slice.end' }],
      ['the gradient of another column', 'sum', 'inputGrad', { find: 'i % params.inner', replace: '0u' }],
      ['no division', 'mean', 'output', { find: 'total /= params.count;', replace: '' }],
      ['negative values in the wrong order', 'max', 'output', { find: '~bits', replace: 'bits' }],
      ['NaN as any value', 'min', 'output', { find: '> Bits(0x7f800000u)', replace: '> Bits(0x7fffffffu)' }],
      ['a whole gradient for each tie', 'max', 'inputGrad', { find: ' / counts[o]', replace: '' }],
      ['the last of equal values', 'argmax', 'output', { find: 'key > best', replace: 'key >= best' }],
      ['zeros of different signs', 'argmax', 'output', { find: 'value == Bits(SIGN)', replace: 'value != value' }],
      ['the maximum is not subtracted', 'logsumexp', 'output', { find: 'input[i] - maximum', replace: 'input[i]' }],
      [
        'infinities are subtracted',
        'logsumexp',
        'output',
        { find: 'maximum, special', replace: 'maximum, maximum != maximum' },
      ],
      ['a wrong sign', 'logsumexp', 'inputGrad', { find: 'input[i] - results', replace: 'input[i] + results' }],
      ['the smallest is subtracted', 'softmax', 'output', { find: 'max(largest', replace: 'min(~largest' }],
      ['no sum', 'softmax', 'inputGrad', { find: '(outputGrad[i] - total)', replace: 'outputGrad[i]' }],
      ['the logarithm is left out', 'logSoftmax', 'output', { find: ' - shift', replace: '' }],
      ['a wrong sign', 'logSoftmax', 'inputGrad', { find: '- expOf(output[i])', replace: '+ expOf(output[i])' }],
    ],
  },
);

const values = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7) + 0.3);

describe.each(['cpu', 'gpu'] as const)('on a %s', (kind) => {
  gpuTest('a long row is summed as accurately as in a tree, and all its values count', async () => {
    const device = await openAs({ kind });
    for (const size of [70_001, 1_048_576]) {
      const row = values(size);
      const x = Tensor.from(device, row, [size]);
      const exact = row.reduce((all, value) => all + value, 0);
      const exponentials = row.reduce((all, value) => all + Math.exp(value), 0);
      // An ulp of the sum, and the roundings of terms of both signs.
      expectClose('sum', await sum(x).data(), [exact], { atol: 1e-7 * Math.sqrt(size), rtol: 2e-7 });
      expectClose('mean', await mean(x).data(), [exact / size], { atol: 1e-9, rtol: 4e-7 });
      expectClose('logsumexp', await logsumexp(x).data(), [Math.log(exponentials)], { atol: 2e-6, rtol: 0 });
      for (const place of [0, 33, size - 1]) {
        const spiked = row.slice();
        // Equal extremes: the first counts.
        for (const at of [place, Math.min(place + 5_000, size - 1)]) spiked[at] = 7;
        const y = Tensor.from(device, spiked, [size]);
        expect([await argmax(y).item(), await max(y).item()]).toEqual([place, 7]);
        for (const at of [place, Math.min(place + 5_000, size - 1)]) spiked[at] = -7;
        const z = Tensor.from(device, spiked, [size]);
        expect([await argmin(z).item(), await min(z).item()]).toEqual([place, -7]);
      }
    }
  });

  gpuTest('softmax of a long row adds up to 1', async () => {
    const device = await openAs({ kind });
    const row = values(2 * 70_001);
    const x = Tensor.from(device, row, [2, 70_001]);
    const total = row.slice(70_001).reduce((all, value) => all + Math.exp(value), 0);
    const expected = Array.from(row.slice(70_001), (value) => Math.exp(value) / total);
    const probabilities = (await softmax(x, 1).data()).slice(70_001);
    expectClose('softmax', probabilities, expected, { atol: 0, rtol: 2e-6 });
    const logarithms = (await logSoftmax(x, 1).data()).slice(70_001);
    expectClose('logSoftmax', logarithms, expected.map(Math.log), { atol: 2e-6, rtol: 0 });
  });

  gpuTest('there may be more rows than a grid has workgroups', async () => {
    const device = await openAs({ kind });
    const rows = 65_535 * 64 + 3;
    const last = rows - 1;
    const row = new Float32Array(2 * rows);
    row.set([1, 3], 2 * last);
    const x = Tensor.from(device, row, [rows, 2]);
    for (const [op, expected] of [
      [sum, 4],
      [max, 3],
      [argmax, 1],
    ] as const) {
      const found = await op(x, 1).data();
      expect([found[0], found[last]]).toEqual([0, expected]);
    }
    const found = await softmax(x, 1).data();
    expectClose('softmax', found.slice(2 * last - 2), [0.5, 0.5, 0.1192029, 0.8807971], { atol: 1e-7, rtol: 1e-6 });
  });
});

describe('errors', () => {
  const x = () => Tensor.from(gpu, values(6), [2, 3]);

  gpuTest('dimensions are checked', () => {
    for (const [dims, message] of [
      [2, 'dims must be a whole number from -2 to 1 for shape [2, 3], got 2.'],
      [[0, -3], 'dims[1] must be a whole number from -2 to 1 for shape [2, 3], got -3.'],
      [[0, 0], 'dims must be different, got [0, 0], in which 0 occurs twice.'],
      [[1, -1], 'dims must be different, got [1, -1], in which 1 occurs twice.'],
      [0.5, 'dims must be a whole number from -2 to 1'],
      ['1', 'dims must be a dimension or a list of them, got "1".'],
      [null, 'dims must be a dimension or a list of them, got null.'],
      [{ keepdim: true }, 'dims must be a dimension or a list of them, got an object.'],
    ] as const) {
      expect(() => mean(x(), dims as unknown as Dims)).toThrow(OptionError);
      expect(() => mean(x(), dims as unknown as Dims)).toThrow(`mean: ${message}`);
    }
  });

  gpuTest('options are checked', () => {
    const options = { keepDims: true } as unknown as ReduceOptions;
    expect(() => max(x(), 1, options)).toThrow('max: option keepDims is not implemented');
    expect(() => max(x(), 1, { keepdim: 1 as unknown as boolean })).toThrow(
      'max: keepdim must be true or false, got 1.',
    );
    expect(() => argmax(x(), [0, 1] as unknown as number)).toThrow('argmax: dim must be a whole number');
    expect(() => softmax(x(), undefined as unknown as number)).toThrow('softmax: dim must be a whole number');
    expect(() => softmax(x(), 2)).toThrow('softmax: dim must be a whole number from -2 to 1 for shape [2, 3], got 2.');
  });

  gpuTest('only f32 is reduced', () => {
    const labels = Tensor.from(gpu, new Uint32Array(3)) as unknown as Tensor;
    for (const op of [sum, mean, max, min, logsumexp, argmax, argmin]) expect(() => op(labels)).toThrow(DTypeError);
    expect(() => logSoftmax(labels, 0)).toThrow('logSoftmax: input must hold f32 values, got u32.');
  });

  gpuTest('nothing has no extreme', () => {
    const [none, noRows] = [Tensor.zeros(gpu, [0]), Tensor.zeros(gpu, [0, 3])];
    for (const op of [max, min, argmax, argmin] as const) {
      expect(() => op(none)).toThrow(ShapeError);
      expect(() => op(noRows, 0)).toThrow(`${op.name}: input [0, 3] has no values in the dimensions that are reduced.`);
      expect(op(noRows, 1).shape).toEqual([0]);
    }
  });
});

gpuTest('gradients may be empty', async () => {
  for (const op of [sum, mean, logsumexp]) {
    const x = Tensor.zeros(gpu, [0, 3]);
    x.requiresGrad = true;
    backward(op(x, 0), 1);
    expect(x.grad!.shape).toEqual([0, 3]);
  }
});
