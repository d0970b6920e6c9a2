/** Every op's backward against finite differences of its forward, and planted errors that the check must see. */

import { describe, expect } from 'vitest';
import {
  add,
  batchNorm2d,
  checkGradients,
  conv2d,
  crossEntropy,
  flatten,
  globalAvgPool2d,
  linear,
  maxPool2d,
  relu,
  reshape,
  Tensor,
} from '../../../src/autograd/index.ts';
import { withGpu } from '../../support/gpu.ts';
import { findsWrongGradients } from '../../support/planted.ts';
import { apart, awayFromZero, leaf as leafOn } from './family.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

const leaf = (shape: number[], change?: (value: number, index: number) => number) => leafOn(gpu, shape, change);
const constant = (values: number[]) => Tensor.from(gpu, Float32Array.from(values), [values.length]);
interface Subject {
  readonly inputs: () => Tensor[];
  readonly fn: () => (...inputs: Tensor[]) => Tensor;
}

const batchNorm = (training: boolean, relu = false, eps = 1e-5) => {
  const mean = constant([0.1, -0.2, 0.3]);
  const variance = constant([0.5, 1, 2]);
  return (...[input, weight, bias, residual]: Tensor[]) =>
    batchNorm2d(input!, weight!, bias!, mean, variance, { training, residual, relu, eps });
};

/** Values alternately well above and well below 0, also after they are normalised: ReLU has a kink at 0. */
const alternating = (value: number, index: number) => (index % 2 === 0 ? 1 : -1) * (2 + value);
const normalisedLeaves = () => [
  leaf([2, 3, 4, 3], alternating),
  leaf([3], (value) => 1 + 0.2 * value),
  leaf([3], (value) => 0.1 * value),
];
const addedLeaf = () => leaf([2, 3, 4, 3], (value) => 0.1 * value);

const SUBJECTS: Record<string, Subject> = {
  relu: { inputs: () => [leaf([3, 50], awayFromZero)], fn: () => (input) => relu(input!) },
  add: { inputs: () => [leaf([3, 5]), leaf([3, 5])], fn: () => (a, b) => add(a!, b!) },
  conv2d: {
    inputs: () => [leaf([2, 3, 7, 9]), leaf([4, 3, 3, 3]), leaf([4])],
    fn: () => (input, weight, bias) => conv2d(input!, weight!, bias, { stride: [2, 1], padding: [1, 0] }),
  },
  'conv2d with groups and dilation': {
    inputs: () => [leaf([2, 4, 7, 9]), leaf([6, 2, 3, 3]), leaf([6])],
    fn: () => (input, weight, bias) => conv2d(input!, weight!, bias, { padding: 1, dilation: [2, 1], groups: 2 }),
  },
  'depthwise conv2d': {
    inputs: () => [leaf([2, 4, 7, 9]), leaf([8, 1, 3, 3]), leaf([8])],
    fn: () => (input, weight, bias) => conv2d(input!, weight!, bias, { stride: [2, 1], padding: 1, groups: 4 }),
  },
  'batchNorm2d in training': {
    inputs: () => [leaf([2, 3, 5, 3]), leaf([3]), leaf([3])],
    fn: () => batchNorm(true),
  },
  'batchNorm2d in evaluation mode': {
    inputs: () => [leaf([2, 3, 5, 3]), leaf([3]), leaf([3])],
    fn: () => batchNorm(false),
  },
  'batchNorm2d with ReLU in training': { inputs: normalisedLeaves, fn: () => batchNorm(true, true) },
  'batchNorm2d with ReLU in evaluation mode': { inputs: normalisedLeaves, fn: () => batchNorm(false, true) },
  'batchNorm2d with a residual': {
    inputs: () => [...normalisedLeaves(), addedLeaf()],
    fn: () => batchNorm(true),
  },
  'batchNorm2d with a residual and ReLU in training': {
    inputs: () => [...normalisedLeaves(), addedLeaf()],
    fn: () => batchNorm(true, true),
  },
  'batchNorm2d with a residual and ReLU in evaluation mode': {
    inputs: () => [...normalisedLeaves(), addedLeaf()],
    fn: () => batchNorm(false, true),
  },
  // Neighbouring float32 values are a thousandth apart there, which the check allows for.
  'batchNorm2d far from 0': {
    inputs: () => [leaf([2, 3, 5, 3], (value) => 10_000 + value), leaf([3]), leaf([3])],
    fn: () => batchNorm(true),
  },
  // Two of three channels are constant; their weights have a gradient of 0. A variance of 0 is a minimum as narrow as
  // eps, so a step of the check must be small compared with eps.
  'batchNorm2d of constant channels': {
    inputs: () => [
      leaf([2, 3, 5, 3], (value, index) => 10_000 / 3 + (Math.floor(index / 15) % 3 === 1 ? value : 0)),
      leaf([3]),
      leaf([3]),
    ],
    fn: () => batchNorm(true, false, 1),
  },
  maxPool2d: {
    inputs: () => [leaf([1, 2, 7, 6], apart)],
    fn: () => (input) => maxPool2d(input!, { kernelSize: 3, stride: 2, padding: 1 }),
  },
  globalAvgPool2d: { inputs: () => [leaf([2, 3, 4, 5])], fn: () => (input) => globalAvgPool2d(input!) },
  reshape: { inputs: () => [leaf([2, 3, 2])], fn: () => (input) => reshape(input!, [4, 3]) },
  flatten: { inputs: () => [leaf([2, 3, 2, 2])], fn: () => (input) => flatten(input!) },
  linear: {
    inputs: () => [leaf([5, 11]), leaf([7, 11]), leaf([7])],
    fn: () => (input, weight, bias) => linear(input!, weight!, bias),
  },
  crossEntropy: {
    inputs: () => [leaf([4, 5])],
    fn: () => {
      const labels = Tensor.from(gpu, Uint32Array.of(0, 4, 2, 2), [4]);
      return (logits) => crossEntropy(logits!, labels);
    },
  },
};

describe.each(Object.entries(SUBJECTS))('%s', (_, { inputs, fn }) => {
  gpuTest('agrees with finite differences', async () => {
    const leaves = inputs();
    const before = await Promise.all(leaves.map((one) => one.data()));
    const report = await checkGradients(fn(), leaves);
    expect(report.inputs.map(({ index }) => index)).toEqual(leaves.map((_, i) => i));
    expect(report.worst).toBeLessThan(5e-3);
    expect(await Promise.all(leaves.map((one) => one.data()))).toEqual(before);
    expect(leaves.every(({ grad }) => grad === undefined)).toBe(true);
  });

  findsWrongGradients(gpuTest, async () => ({ leaves: inputs(), fn: fn() }));
});

describe('checkGradients', () => {
  gpuTest('skips inputs that require no gradient', async () => {
    const [a, b] = [leaf([3]), leaf([3])];
    b.requiresGrad = false;
    const report = await checkGradients((x, y) => add(x!, y!), [a, b]);
    expect(report.inputs.map(({ index }) => index)).toEqual([0]);
  });

  gpuTest('takes a source of random numbers', async () => {
    let asked = 0;
    const random = () => {
      asked++;
      return 0.75;
    };
    const report = await checkGradients((x) => relu(x!), [leaf([4], awayFromZero)], { random, directions: 2 });
    // One per output for the weights, one per element and direction.
    expect(asked).toBe(4 + 2 * 4);
    expect(report.inputs[0]!.directions).toHaveLength(2);
  });

  gpuTest('names the input that got no gradient', async () => {
    const [a, b] = [leaf([3]), leaf([3])];
    await expect(checkGradients((x, y) => add(x!, y!.detach()), [a, b])).rejects.toThrow(
      /Gradient of input 1 \[3\].*backward gave it no gradient at all/,
    );
  });

  gpuTest('frees its tensors', async () => {
    const leaves = [leaf([3, 4]), leaf([2, 4])];
    const before = gpu.pool.liveBytes;
    await checkGradients((x, w) => relu(linear(x!, w!)), leaves, { tolerance: 1 });
    expect(gpu.pool.liveBytes).toBe(before);
  });
});
