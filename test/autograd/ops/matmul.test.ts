/**
 * matmul, and linear layers without values, against PyTorch's values in double, finite differences, and planted errors.
 * test/kernels/matmul holds every kernel against the same values.
 */
import { describe, expect } from 'vitest';
import { recordDispatches } from '../../../bench/timing.ts';
import { backward, linear, matmul, OptionError, ShapeError, Tensor } from '../../../src/autograd/index.ts';
import { chooserOf } from '../../../src/kernels/chooser.ts';
import { withGpu } from '../../support/gpu.ts';
import { leaf, testFamily } from './family.ts';
import type { Run } from './golden.ts';
import { matmulTolerance } from './matmul-tolerance.ts';

const own = await withGpu({ poisoned: true });
const { gpuTest, gpu } = own;

/** The groups of cases. Errors are planted in small ones, as every shader with an error has to be compiled. */
const MATMULS = ['matmul', 'matmul of transposed operands', 'matmul of batches'];
const RUN: Run = ({ a, b }, options) => matmul(a!, b!, options);

testFamily(own, {
  golden: 'matmul',
  runs: {
    ...Object.fromEntries(MATMULS.map((name) => [name, RUN])),
    linear: ({ input, weight, bias }) => linear(input!, weight!, bias),
  },
  // The reason stands with linear in golden.ts.
  tolerances: {
    ...Object.fromEntries(MATMULS.map((name) => [name, matmulTolerance])),
    linear: { atol: 4e-6, rtol: 1e-6 },
  },
  subjects: {
    matmul: { inputs: (on) => [leaf(on, [5, 7]), leaf(on, [7, 3])], fn: (a, b) => matmul(a!, b!) },
    'matmul of transposed operands': {
      inputs: (on) => [leaf(on, [7, 5]), leaf(on, [3, 7])],
      fn: (a, b) => matmul(a!, b!, { transposeA: true, transposeB: true }),
    },
    'matmul of vectors': { inputs: (on) => [leaf(on, [9]), leaf(on, [9])], fn: (a, b) => matmul(a!, b!) },
    'matmul of a tensor and itself': {
      inputs: (on) => [leaf(on, [5, 7])],
      fn: (a) => matmul(a!, a!, { transposeB: true }),
    },
    'matmul of a vector and matrices': {
      inputs: (on) => [leaf(on, [7]), leaf(on, [3, 7, 5])],
      fn: (a, b) => matmul(a!, b!),
    },
    'matmul of batches that broadcast': {
      inputs: (on) => [leaf(on, [2, 1, 5, 4]), leaf(on, [3, 4, 6])],
      fn: (a, b) => matmul(a!, b!),
    },
  },
  planted: [
    [
      'a term is left out',
      'matmul',
      'output',
      {
        find: 'min(firstDepth + params.depthsPerSlice, params.depths)',
        replace: 'min(firstDepth + params.depthsPerSlice, params.depths - 1u)',
      },
    ],
    ['every batch is the first', 'matmul of batches', 'output', { find: '+ inner * params.bInner', replace: '' }],
    ['outer batches are one', 'matmul of batches', 'output', { find: '+ outer * params.aOuter', replace: '' }],
    [
      'results of a batch lie over another',
      'matmul of batches',
      'bGrad',
      { find: '+ inner * params.outInner', replace: '' },
    ],
    [
      'the last batch is not added',
      'matmul of batches',
      'bGrad',
      { find: 'slice < params.slices', replace: 'slice + 1u < params.slices' },
    ],
  ],
});

const zeros = (...shape: number[]) => Tensor.zeros(gpu, shape);

describe('matmul refuses', () => {
  gpuTest('shapes that do not fit', () => {
    expect(() => matmul(zeros(2, 3), zeros(4, 5))).toThrow(
      new ShapeError('matmul: a [2, 3] and b [4, 5] do not fit: the rows of a have 3 values and the columns of b 4.'),
    );
    expect(() => matmul(zeros(2, 3), zeros(3, 5), { transposeB: true })).toThrow(/b \[3, 5\] transposed do not fit/);
    expect(() => matmul(zeros(2, 4, 3), zeros(3, 3, 5))).toThrow(/their batches do not broadcast/);
    expect(() => matmul(zeros(3), zeros(4))).toThrow(ShapeError);
  });

  gpuTest('single values, and vectors to transpose', () => {
    expect(() => matmul(zeros(), zeros(3))).toThrow(
      new ShapeError('matmul: a must have at least one dimension, got [].'),
    );
    expect(() => matmul(zeros(3), zeros(3), { transposeB: true })).toThrow(
      new ShapeError('matmul: b must have at least two dimensions to be transposed, got [3].'),
    );
  });

  gpuTest('other options, types and disposed tensors', () => {
    expect(() => matmul(zeros(2, 2), zeros(2, 2), { transpose: true } as never)).toThrow(OptionError);
    expect(() => matmul(zeros(2, 2), zeros(2, 2), { transposeA: 1 } as never)).toThrow(
      new OptionError('matmul: transposeA must be true or false, got 1.'),
    );
    const integers = Tensor.from(gpu, new Uint32Array(4), [2, 2]) as Tensor<'u32'>;
    expect(() => matmul(zeros(2, 2), integers as never)).toThrow('matmul: b must hold f32 values, got u32.');
    const gone = zeros(2, 2);
    gone.dispose();
    expect(() => matmul(gone, zeros(2, 2))).toThrow(/matmul: a \[2, 2\] was disposed/);
  });
});

describe('matmul', () => {
  gpuTest('launches one product for a weight that all batches share, and for its gradient', () => {
    const input = leaf(gpu, [3, 5, 20, 16]);
    const weight = leaf(gpu, [16, 24]);
    const products = (run: () => void) =>
      recordDispatches(gpu, run).filter(({ program }) => program.name.startsWith('matmul'));
    let output: Tensor | undefined;
    expect(products(() => (output = matmul(input, weight)))).toHaveLength(1);
    expect(products(() => backward(output!, leaf(gpu, [3, 5, 20, 24])))).toHaveLength(2);
    const names = ['matmul 300x16 * 16x24 nn', 'matmul 300x24 * 24x16 nt', 'matmul 16x300 * 300x24 tn'];
    expect(Object.keys(chooserOf(gpu).choices)).toEqual(expect.arrayContaining(names));
  });

  gpuTest('launches nothing for a gradient that nobody wants, or without values', () => {
    const [a, b] = [leaf(gpu, [0, 4]), leaf(gpu, [4, 3])];
    const dispatches = recordDispatches(gpu, () => backward(matmul(a, b), Tensor.zeros(gpu, [0, 3])));
    expect(dispatches).toEqual([]);
    const [fixed, learnt] = [zeros(5, 4), leaf(gpu, [4, 3])];
    const output = matmul(fixed, learnt);
    expect(recordDispatches(gpu, () => backward(output, zeros(5, 3)))).toHaveLength(1);
  });
});
