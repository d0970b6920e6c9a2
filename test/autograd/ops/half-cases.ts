/**
 * Ops on f16 tensors against the same ops on f32 tensors of the same values: golden cases with inputs rounded to f16.
 * Other tests check the f32 ops, so these only measure the error of the storage.
 */

import { fromHalf, toHalf } from '../../../src/autograd/half.ts';
import {
  batchNorm2d,
  type Conv2dOptions,
  conv2d,
  noGrad,
  scope,
  Tensor,
  toDType,
} from '../../../src/autograd/index.ts';
import { conv2dBatchNorm2d } from '../../../src/autograd/ops/conv2d-batch-norm2d.ts';
import type { Gpu } from '../../../src/gpu/gpu.ts';
import { EXACT, findDifference, type Tolerance } from '../../support/compare.ts';
import { type Case, cases, conv2dCases, conv2dGroupCases, type Inputs, RUNS, type Run } from './golden.ts';

/** The ops that take f16, and those of their inputs that are f16 then. The other inputs are always f32. */
export const STORED: Readonly<Record<string, readonly string[]>> = {
  maxPool2d: ['input'],
  globalAvgPool2d: ['input'],
  linear: ['input', 'weight'],
  batchNorm2d: ['input', 'residual'],
  conv2d: ['input', 'weight'],
  conv2dBatchNorm2d: ['input', 'weight', 'residual'],
};

const RUNS_OF: Readonly<Record<string, Run>> = {
  ...RUNS,
  conv2dBatchNorm2d: ({ input, weight, residual, scale, shift, mean, variance }, options) => {
    const { relu, ...conv } = options as Conv2dOptions & { relu?: boolean };
    const norm = { training: false, relu: relu === true, residual };
    // The f32 reference is the two ops that this one replaces.
    if (input!.dtype === 'f32') {
      return batchNorm2d(conv2d(input!, weight!, undefined, conv), scale!, shift!, mean!, variance!, norm);
    }
    const tensors = { weight: scale!, bias: shift!, runningMean: mean!, runningVar: variance! };
    return conv2dBatchNorm2d(input!, weight!, tensors, { ...conv, ...norm });
  },
};

type Shape = readonly number[];

/** Values of both signs with a long period. */
const waves = (shape: Shape, seed: number) => {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { shape: [...shape], values: Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + seed)) };
};

/** Odd element counts, and more channels than a tile has, with and without a residual and ReLU. */
const FOLDED = (
  [
    [[1, 1, 1, 1], [1, 1, 1, 1], {}],
    [[3, 5, 7, 9], [35, 5, 3, 3], { padding: [1, 1], relu: true }],
    [[1, 4, 11, 9], [67, 4, 3, 3], { padding: [1, 1], stride: [2, 2], residual: true, relu: true }],
    [[2, 6, 5, 14], [33, 6, 1, 1], { stride: [2, 2], residual: true }],
    [[1, 3, 16, 16], [17, 3, 7, 7], { padding: [3, 3], stride: [2, 2], relu: true }],
  ] as const
).map(([input, weight, given]): Case => {
  const { residual, ...options } = { residual: false, padding: [0, 0], stride: [1, 1], ...given } as const;
  const channels = [weight[0]];
  const out = (axis: 0 | 1) =>
    Math.floor((input[2 + axis]! + 2 * options.padding[axis]! - weight[2 + axis]!) / options.stride[axis]!) + 1;
  const variance = waves(channels, 4).values.map((value) => 1.3 + value);
  return {
    op: 'conv2dBatchNorm2d',
    options,
    torch32: {},
    inputs: {
      ...{ input: waves(input, 0), weight: waves(weight, 5) },
      ...(residual && { residual: waves([input[0], weight[0], out(0), out(1)], 9) }),
      ...{ scale: waves(channels, 1), shift: waves(channels, 2), mean: waves(channels, 3) },
      variance: { shape: channels, values: variance },
    },
    expected: {},
  };
});

/** All cases in inference. */
export const halfCases: readonly Case[] = [...cases, ...conv2dCases, ...conv2dGroupCases, ...FOLDED].filter(
  ({ op, options }) => STORED[op] && options.training !== true,
);

/** The nearest f16 values. */
export const rounded = (values: Float32Array) => fromHalf(toHalf(values).subarray(0, values.length));

/**
 * An f16 result is the f32 result rounded to 11 bits: it is off by up to 2⁻¹¹ of itself, or half of f16's smallest
 * value. Another kernel may sum in another order, which makes some 2⁻²⁰ of the largest result. A separate kernel adds
 * the bias, so before it a convolution is rounded once more.
 */
function toleranceOf({ op, inputs }: Case, expected: Float32Array): Tolerance {
  // Pooling chooses among values that f16 already holds.
  if (op === 'maxPool2d') return EXACT;
  const largest = expected.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    0,
  );
  // Scores are f32.
  if (op === 'linear') return { atol: 2 ** -20 * largest, rtol: 0 };
  const twice = op === 'conv2d' && inputs.bias ? 2 ** -11 : 0;
  return { atol: 2 ** -25 + (2 ** -20 + twice) * largest, rtol: 2 ** -11 };
}

/**
 * The difference of f16 storage on `half` from f32 storage on `single`, which may be the same device; undefined if
 * none.
 */
export async function halfDifference(single: Gpu, half: Gpu, one: Case): Promise<string | undefined> {
  const expected = await run(single, one, false);
  const actual = await run(half, one, true);
  return findDifference(actual, expected, toleranceOf(one, expected));
}

function run(gpu: Gpu, { op, inputs, options }: Case, half: boolean): Promise<Float32Array> {
  const output = scope(() =>
    noGrad(() => {
      const tensors: Inputs = {};
      for (const [name, { shape, values }] of Object.entries(inputs)) {
        const stored = STORED[op]!.includes(name);
        const tensor = Tensor.from(gpu, stored ? rounded(values as Float32Array) : values, shape) as Tensor;
        tensors[name] = half && stored ? toDType(tensor, 'f16') : tensor;
      }
      return RUNS_OF[op]!(tensors, options);
    }),
  );
  const values = output.data();
  output.dispose();
  return values;
}
