/** Reductions and softmax: golden values, gradients, planted errors; long rows, errors and empty tensors. */
import { describe, expect } from 'vitest';
import {
  argmax,
  argmin,
  type Dims,
  logSoftmax,
  logsumexp,
  max,
  mean,
  min,
  type ReduceOptions,
  softmax,
  sum,
  type Tensor,
} from '../../../src/autograd/index.ts';
import { EXACT } from '../../support/compare.ts';
import { withGpu } from '../../support/gpu.ts';
import { apart, leaf, testFamily } from './family.ts';
import type { Run } from './golden.ts';

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
      logsumexp: exponential,
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
    planted: [],
  },
);
