/**
 * Batch norm of channels far from 0 and of constant channels, on every variant of its kernels, against PyTorch's error.
 */
import { describe, expect } from 'vitest';
import { batchNorm2d, Tensor } from '../../../src/autograd/index.ts';
import { differences, offsetCases, titleOf } from '../../autograd/ops/golden.ts';
import { openAs, openTampered, type ShaderEdit, withGpu } from '../../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

describe.each([
  ['a GPU', { kind: 'gpu' }],
  ['a GPU without subgroups', { kind: 'gpu', subgroupSize: 0 }],
  ['a CPU adapter', { kind: 'cpu' }],
  ['a CPU adapter without subgroups', { kind: 'cpu', subgroupSize: 0 }],
] as const)('as on %s', (_, traits) => {
  for (const op of ['batchNorm2d', 'conv2dBatchNorm2d']) {
    gpuTest(`${op} is as exact as PyTorch’s float32`, async () => {
      const device = await openAs(traits);
      const found: string[] = [];
      for (const one of offsetCases.filter((candidate) => candidate.op === op)) {
        for (const line of await differences(device, one)) found.push(`${titleOf(one)}: ${line}`);
      }
      expect(found).toEqual([]);
    });
  }
});

/** Each error with the value that it makes wrong, and the edit that plants it. */
const PLANTED: readonly (readonly [what: string, wrong: string, edit: ShaderEdit])[] = [
  ['the mean is rounded in the output', 'output', { find: 'return bias - meanLow * scale;', replace: 'return bias;' }],
  ['the mean is rounded in the sum', 'weightGrad', { find: '(result.w - meanLow * sum)', replace: 'result.w' }],
  ['the mean is rounded in backward', 'inputGrad', { find: ' - slope * meanLow;', replace: ';' }],
  [
    'the error of the mean is not kept',
    'output',
    { find: 'params.channels + c] = center.y;', replace: 'params.channels + c] = 0.0;' },
  ],
  [
    'the error of the mean is that of the first channel',
    'output',
    { find: 'statistics[2u * params.channels + c]', replace: 'statistics[2u * params.channels]' },
  ],
  [
    'a compiler treats rounding errors as 0',
    'weightGrad',
    { find: /return \(a - \(sum - part\)\) \+ \(b - part\);/g, replace: 'return a - a;' },
  ],
  ['errors of runs are dropped', 'output', { find: '*low += errorValue(*high, term, sum);', replace: '' }],
  ['errors of invocations are dropped', 'weightGrad', { find: 'a.y + b.y + errorSums', replace: 'errorSums' }],
  ['the error of a center is dropped', 'output', { find: ' * size + rest;', replace: ' * size;' }],
  [
    'a product with a center is rounded',
    'runningMeanAfter',
    { find: 'sumLow += (center - near) * size + rest;', replace: 'sumLow += rest;' },
  ],
  ['squares are taken about the rounded center', 'output', { find: 'runSquares - rest * off', replace: 'runSquares' }],
  ['the mean of a run is its rounded center', 'runningVarAfter', { find: '- mean) + off;', replace: '- mean);' }],
  [
    'means are measured from 0',
    'runningVarAfter',
    { find: 'let origin = input[first];', replace: 'let origin = Value();' },
  ],
  [
    'squares of a plane are dropped',
    'runningVarAfter',
    { find: 'addTo(&squares, &squaresLow, partSquares);', replace: 'squares = partSquares;' },
  ],
  [
    'the mean is a plain quotient',
    'output',
    { find: 'let center = quotient(all, count);', replace: 'let center = Pairs(all.x / count, 0.0);' },
  ],
  ['a product in the remainder is rounded', 'weightGrad', { find: '- taken.y + dividend.y', replace: '+ dividend.y' }],
  [
    'a square root is off by some ulps',
    'output',
    { find: 'return first + select(', replace: 'return 1.0000005 * first + select(' },
  ],
  ['a variance of 0 is divided by', 'output', { find: ', 0.0, variance.x == 0.0)', replace: ', 0.0, false)' }],
];

const cases = offsetCases.filter(({ op }) => op === 'batchNorm2d');

/** GPUs may be off by the ulps that WGSL allows. */
describe('inexact results are corrected', () => {
  for (const [what, edit] of [
    [
      'a quotient',
      { find: 'let first = dividend.x / divisor;', replace: 'let first = dividend.x / divisor * 0.9999997;' },
    ],
    ['a square root', { find: 'let first = 1.0 / sqrt(value.x);', replace: 'let first = 0.9999996 / sqrt(value.x);' }],
  ] as const) {
    gpuTest(what, async () => {
      const inexact = await openTampered(edit);
      for (const one of cases) expect(await differences(inexact, one), titleOf(one)).toEqual([]);
    });
  }
});

describe('values that float32 cannot square or sum', () => {
  const normalise = async (values: readonly number[]) => {
    const one = () => Tensor.from(gpu, Float32Array.of(1), [1]);
    const input = Tensor.from(gpu, Float32Array.from(values), [1, 1, 2, 2]);
    const [weight, bias, mean, variance] = [one(), one(), Tensor.zeros(gpu, [1]), one()] as const;
    const output = batchNorm2d(input, weight, bias, mean, variance, { training: true });
    const all = await Promise.all([output, mean, variance].map(async (tensor) => [...(await tensor.data())]));
    for (const tensor of [input, weight, bias, mean, variance, output]) tensor.dispose();
    return all;
  };

  gpuTest('have an infinite variance and become the bias, as in PyTorch', async () => {
    const [output, mean, variance] = await normalise([1e20, -1e20, 2e20, 3e20]);
    expect([output, variance]).toEqual([[1, 1, 1, 1], [Number.POSITIVE_INFINITY]]);
    expect(mean![0]! / 1.25e19).toBeCloseTo(1, 6);
  });

  gpuTest('have an infinite mean and an output of NaN, as in PyTorch', async () => {
    const [output, mean] = await normalise([1, Number.POSITIVE_INFINITY, 2, 3]);
    expect([output, mean]).toEqual([Array(4).fill(Number.NaN), [Number.POSITIVE_INFINITY]]);
  });
});

describe('an error in a shader', () => {
  for (const [what, wrong, edit] of PLANTED) {
    gpuTest(what, async () => {
      // Invocations sum the most in the CPU kernels; the text is the same in all variants.
      const tampered = await openTampered(edit, { kind: 'cpu' });
      const found: string[] = [];
      for (const one of cases) found.push(...(await differences(tampered, one)));
      expect(found).toContainEqual(expect.stringMatching(`^${wrong} `));
    });
  }
});
