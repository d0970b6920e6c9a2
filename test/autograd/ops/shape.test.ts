/** Ops that copy values to other places, or only change the shape: golden values, gradients, errors. */

import { describe, expect, test } from 'vitest';
import { recordDispatches } from '../../../bench/timing.ts';
import {
  backward,
  concat,
  type DType,
  DTypeError,
  expand,
  flatten,
  flip,
  indexSelect,
  narrow,
  type PadOptions,
  pad,
  permute,
  squeeze,
  stack,
  Tensor,
  transpose,
  unsqueeze,
} from '../../../src/autograd/index.ts';
import { joinedAxes } from '../../../src/kernels/copy/pad.ts';
import { isTranspose } from '../../../src/kernels/copy/transpose.ts';
import { EXACT, findDifference } from '../../support/compare.ts';
import { openAs, withGpu } from '../../support/gpu.ts';
import { untyped } from '../../support/untyped.ts';
import { leaf, testFamily } from './family.ts';
import type { Case } from './golden.ts';

const harness = await withGpu({ poisoned: true });
const { gpuTest, gpu } = harness;

/** Sums of gradients; everything else is copied. */
const sums = (atol: number) => (_: Case, result: string) => (result === 'output' ? EXACT : { atol, rtol: 2e-7 });

testFamily(harness, {
  golden: 'shape',
  runs: {
    transpose: ({ input }, { dim0, dim1 }) => transpose(input!, dim0 as number, dim1 as number),
    permute: ({ input }, { dims }) => permute(input!, dims as number[]),
    narrow: ({ input }, { dim, start, length }) => narrow(input!, dim as number, start as number, length as number),
    concat: (inputs, { dim }) => concat(Object.values(inputs), dim as number),
    stack: (inputs, { dim }) => stack(Object.values(inputs), dim as number),
    expand: ({ input }, { shape }) => expand(input!, shape as number[]),
    pad: ({ input }, { padding, ...options }) => pad(input!, padding as number[], options as PadOptions),
    indexSelect: ({ input, index }, { dim }) => indexSelect(input!, dim as number, untyped<Tensor<'u32'>>(index)),
    squeeze: ({ input }, { dim }) => squeeze(input!, (dim as number | null) ?? undefined),
    unsqueeze: ({ input }, { dim }) => unsqueeze(input!, dim as number),
    flip: ({ input }, { dims }) => flip(input!, dims as number[]),
    flatten: ({ input }, { startDim, endDim }) => flatten(input!, startDim as number, endDim as number),
  },
  tolerances: {
    transpose: EXACT,
    permute: EXACT,
    narrow: EXACT,
    concat: EXACT,
    stack: EXACT,
    squeeze: EXACT,
    unsqueeze: EXACT,
    flip: EXACT,
    flatten: EXACT,
    // Sums of up to 2,800 gradients around 1 of both signs, in runs or trees. They reach about 50.
    expand: sums(1e-5),
    // Sums of up to 71 gradients at an edge, 200 at a corner.
    pad: sums(5e-6),
    // Sums of up to 150 gradients, in runs of 32.
    indexSelect: sums(5e-6),
  },
  subjects: {
    transpose: { inputs: (device) => [leaf(device, [3, 4, 5])], fn: (input) => transpose(input!, 0, -1) },
    permute: { inputs: (device) => [leaf(device, [2, 3, 5])], fn: (input) => permute(input!, [1, 2, 0]) },
    narrow: { inputs: (device) => [leaf(device, [3, 7])], fn: (input) => narrow(input!, 1, 2, 4) },
    concat: {
      inputs: (device) => [leaf(device, [2, 3]), leaf(device, [2, 5])],
      fn: (...tensors) => concat(tensors, 1),
    },
    stack: {
      inputs: (device) => [leaf(device, [2, 3]), leaf(device, [2, 3])],
      fn: (...tensors) => stack(tensors, 1),
    },
    expand: { inputs: (device) => [leaf(device, [3, 1])], fn: (input) => expand(input!, [2, 3, 4]) },
    'pad with a constant': { inputs: (device) => [leaf(device, [3, 4])], fn: (input) => pad(input!, [1, 2, -1, 1]) },
    'pad by reflection': {
      inputs: (device) => [leaf(device, [1, 3, 4])],
      fn: (input) => pad(input!, [3, 2, 1, 2], { mode: 'reflect' }),
    },
    'pad by the edge': {
      inputs: (device) => [leaf(device, [1, 3, 4])],
      fn: (input) => pad(input!, [3, 2, 1, 5], { mode: 'replicate' }),
    },
    'pad around': {
      inputs: (device) => [leaf(device, [1, 1, 3, 4])],
      fn: (input) => pad(input!, [3, 2, 1, 3], { mode: 'circular' }),
    },
    indexSelect: {
      inputs: (device) => [leaf(device, [4, 3])],
      fn: (input) => indexSelect(input!, 0, Tensor.from(gpu, Uint32Array.of(3, 0, 3, 1))),
    },
    squeeze: { inputs: (device) => [leaf(device, [3, 1, 2])], fn: (input) => squeeze(input!) },
    unsqueeze: { inputs: (device) => [leaf(device, [3, 2])], fn: (input) => unsqueeze(input!, 1) },
    flip: { inputs: (device) => [leaf(device, [3, 4])], fn: (input) => flip(input!, [0, 1]) },
    flatten: { inputs: (device) => [leaf(device, [2, 3, 2])], fn: (input) => flatten(input!) },
  },
  planted: [
    [
      'a place is found by the wrong extent',
      'permute',
      'output',
      { find: '/= params.extent1', replace: '/= params.extent0' },
    ],
    ['a carry is lost', 'permute', 'output', { find: 'after.i1 += carry;', replace: '' }, 'cpu'],
    [
      'a tile is not turned',
      'transpose',
      'output',
      { find: 'tile[i * PITCH + lane.x]', replace: 'tile[lane.x * PITCH + i]' },
      'gpu',
    ],
    ['a batch is another', 'permute', 'output', { find: 'i32(b) * params.inputBatch + ', replace: '' }, 'gpu'],
    [
      'the last place is left out',
      'transpose',
      'output',
      { find: 'at < min(first + RUN', replace: 'at + 1u < min(first + RUN' },
    ],
    ['the start of a part is lost', 'narrow', 'output', { find: 'params.inputOffset + ', replace: '' }],
    ['what stands before a part has a gradient', 'narrow', 'inputGrad', { find: '(j1 >= 0) & ', replace: '' }],
    [
      'what stands behind a part has a gradient',
      'narrow',
      'inputGrad',
      { find: 'j1 < params.inside1', replace: 'j1 <= params.inside1' },
    ],
    ['the start in the output is lost', 'concat', 'output', { find: 'params.outputOffset + ', replace: '' }],
    ['the start in the gradient is lost', 'stack', 't1Grad', { find: 'params.inputOffset + ', replace: '' }],
    [
      'a repeated axis moves',
      'expand',
      'output',
      { find: ' + i32(place.i0) * params.input0', replace: ' + i32(place.i0)' },
    ],
    [
      'a reversed axis is not',
      'flip',
      'output',
      { find: '+ i32(place.i0) * params.input0', replace: '- i32(place.i0) * params.input0' },
    ],
    ['the constant is 0', 'pad', 'output', { find: '(params.fill)', replace: '()' }],
    ['the reflection shows the edge', 'pad', 'output', { find: '2 * (inside - 1) - j', replace: '2 * inside - 1 - j' }],
    [
      'the edge is a place further',
      'pad',
      'output',
      { find: 'clamp(j, 0, inside - 1)', replace: 'clamp(j, 0, inside)' },
    ],
    ['one side is not shown on the other', 'pad', 'output', { find: ' - select(0, inside, j >= inside)', replace: '' }],
    [
      'an edge is its own reflection',
      'pad',
      'inputGrad',
      { find: 'first = max(first, select(0, 1, i == 0));', replace: '' },
    ],
    [
      'the other edge is its own reflection',
      'pad',
      'inputGrad',
      { find: 'last = min(last, select(2, 1, i == extent - 1));', replace: '' },
    ],
    [
      'the edge keeps one copy',
      'pad',
      'inputGrad',
      { find: 'padded - 1, i == extent - 1', replace: 'own, i == extent - 1' },
    ],
    [
      'a copy on the other side is left out',
      'pad',
      'inputGrad',
      { find: '2, places.z < padded', replace: '1, places.z < padded' },
    ],
    ['the last copy is left out', 'pad', 'inputGrad', { find: 't0 <= copies0.y', replace: 't0 < copies0.y' }],
    [
      'the row is that of the first index',
      'indexSelect',
      'output',
      { find: 'index[row - outer * params.picked]', replace: 'index[0]' },
    ],
    [
      'the order of a block is lost',
      'indexSelect',
      'inputGrad',
      { find: 'place += select(0u, 1u, index[other] < own)', replace: 'place += 0u' },
    ],
    [
      'runs are not merged',
      'indexSelect',
      'inputGrad',
      {
        find: 'low = middle + 1u; } else { high = middle; }\n    }\n    sorted',
        replace: 'high = middle; } else { high = middle; }\n    }\n    sorted',
      },
    ],
    [
      'the last of equal indices is left out',
      'indexSelect',
      'inputGrad',
      { find: 'let end = min(start + RUN, last);', replace: 'let end = min(start + RUN, last - 1u);' },
    ],
    ['only the last run counts', 'indexSelect', 'inputGrad', { find: 'sum += run;', replace: 'sum = run;' }],
  ],
});

const words = (...shape: number[]) =>
  Tensor.from(
    gpu,
    Int32Array.from({ length: 6 }, (_, i) => i - 3),
    shape,
  );
const zeros = (...shape: number[]) => Tensor.zeros(gpu, shape);
const index = (...values: number[]) => Tensor.from(gpu, Uint32Array.from(values));

/** Each op on a tensor [2, 3] and on its values, a row of the result a list. */
const ON_ALL_TYPES: Record<string, [run: <D extends DType>(input: Tensor<D>) => Tensor<D>, expected: number[]]> = {
  transpose: [(input) => transpose(input, 0, 1), [-3, 0, -2, 1, -1, 2]],
  permute: [(input) => permute(input, [1, 0]), [-3, 0, -2, 1, -1, 2]],
  narrow: [(input) => narrow(input, 1, 1, 2), [-2, -1, 1, 2]],
  concat: [(input) => concat([input, input], 1), [-3, -2, -1, -3, -2, -1, 0, 1, 2, 0, 1, 2]],
  stack: [(input) => stack([input, input], 1), [-3, -2, -1, -3, -2, -1, 0, 1, 2, 0, 1, 2]],
  expand: [(input) => expand(input, [2, 2, 3]), [-3, -2, -1, 0, 1, 2, -3, -2, -1, 0, 1, 2]],
  pad: [(input) => pad(input, [1, 0], { value: 7 }), [7, -3, -2, -1, 7, 0, 1, 2]],
  'pad by reflection': [(input) => pad(input, [0, 2], { mode: 'reflect' }), [-3, -2, -1, -2, -3, 0, 1, 2, 1, 0]],
  flip: [(input) => flip(input, [1]), [-1, -2, -3, 2, 1, 0]],
  indexSelect: [(input) => indexSelect(input, 0, index(1, 1)), [0, 1, 2, 0, 1, 2]],
  'indexSelect beyond the input': [(input) => indexSelect(input, 0, index(2, 0)), [0, 0, 0, -3, -2, -1]],
  squeeze: [(input) => squeeze(input), [-3, -2, -1, 0, 1, 2]],
  unsqueeze: [(input) => unsqueeze(input, 0), [-3, -2, -1, 0, 1, 2]],
  flatten: [(input) => flatten(input, 0), [-3, -2, -1, 0, 1, 2]],
};

describe.each(Object.entries(ON_ALL_TYPES))('%s', (name, [run, expected]) => {
  gpuTest('takes i32 and u32', async () => {
    const signed = run(words(2, 3));
    expect(signed.dtype).toBe('i32');
    expect([...(await signed.data())]).toEqual(expected);
    const unsigned = run(Tensor.from(gpu, Uint32Array.of(-3, -2, -1, 0, 1, 2), [2, 3]));
    expect(unsigned.dtype).toBe('u32');
    expect(await unsigned.data()).toEqual(Uint32Array.from(expected));
    expect(unsigned.requiresGrad).toBe(false);
  });

  gpuTest(/squeeze|flatten/.test(name) ? 'takes f16' : 'refuses f16', () => {
    const half = Tensor.empty(gpu, [2, 3], 'f16');
    if (/squeeze|flatten/.test(name)) expect(run(half).dtype).toBe('f16');
    else expect(() => run(half)).toThrow(DTypeError);
  });
});

describe('indexSelect', () => {
  gpuTest('gives NaN for an index that is no row, and no gradient from it', async () => {
    const input = leaf(gpu, [2, 3]);
    const output = indexSelect(input, 0, index(1, 2, 2 ** 32 - 1, 1));
    const rows = await output.data();
    const second = [...(await input.data()).slice(3)];
    expect([...rows.slice(0, 3), ...rows.slice(9)]).toEqual([...second, ...second]);
    expect(rows.slice(3, 9).every(Number.isNaN)).toBe(true);
    backward(output, Tensor.from(gpu, new Float32Array(12).fill(1), [4, 3]));
    expect([...(await input.grad!.data())]).toEqual([0, 0, 0, 2, 2, 2]);
  });

  gpuTest('has nothing but such rows of an empty dimension', async () => {
    const input = leaf(gpu, [0, 2]);
    const output = indexSelect(input, 0, index(0, 5));
    expect([...(await output.data())]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    backward(output, zeros(2, 2));
    expect(input.grad!.shape).toEqual([0, 2]);
  });

  gpuTest('adds equal indices in one order, so that the gradient has the same bits', async () => {
    const input = leaf(gpu, [3, 5]);
    const places = Tensor.from(
      gpu,
      Uint32Array.from({ length: 500 }, (_, i) => (i * i) % 3),
    );
    const seed = leaf(gpu, [500, 5]).detach();
    const gradient = async () => {
      input.zeroGrad();
      backward(indexSelect(input, 0, places), seed);
      return input.grad!.data();
    };
    expect(await gradient()).toEqual(await gradient());
  });
});

gpuTest('the gradient of a tensor that needs none is not computed', () => {
  const [a, b, c] = [leaf(gpu, [2, 3]), zeros(4, 3), leaf(gpu, [1, 3])];
  const output = concat([a, b, c]);
  const dispatches = recordDispatches(gpu, () => backward(output, zeros(7, 3)));
  expect(dispatches.map(({ label }) => label)).toEqual(['6', '3']);
});

gpuTest('more elements than one dimension of a grid has', async () => {
  const other = await openAs({ kind: 'gpu' });
  const size = 65_535 * 64 + 1;
  const values = Float32Array.from({ length: size }, (_, i) => i);
  const found = await flip(Tensor.from(other, values), [0]).data();
  expect(findDifference(found, values.reverse(), EXACT)).toBeUndefined();
});

describe('joinedAxes', () => {
  const plain = (extent: number) => ({ extent, before: 0, after: 0 });
  const around = (extent: number) => ({ extent, before: 1, after: -2 });

  test('joins an axis without padding to the axis before it', () => {
    expect(joinedAxes('constant', [plain(2), plain(3), around(4), plain(5)])).toEqual([
      plain(6),
      { extent: 20, before: 5, after: -10 },
    ]);
    expect(joinedAxes('reflect', [plain(2), plain(3), around(4), plain(5)])).toEqual([plain(6), around(4), plain(5)]);
    expect(joinedAxes('constant', [around(2), around(3)])).toEqual([around(2), around(3)]);
  });

  test('leaves out axes of extent 1, and gives at least one', () => {
    expect(joinedAxes('reflect', [plain(1), around(4)])).toEqual([around(4)]);
    expect(joinedAxes('constant', [])).toEqual([plain(1)]);
  });
});

test('isTranspose is true of walks whose contiguous sides are the last two', () => {
  const walk = (extents: number[], input: number[], output: number[]) =>
    isTranspose({ extents, strides: [input, output] });
  expect(walk([20, 30], [1, 20], [30, 1])).toBe(true);
  expect(walk([5, 20, 30], [600, 1, 20], [600, 30, 1])).toBe(true);
  expect(walk([20, 30], [30, 1], [30, 1])).toBe(false);
  // The contiguous side of the input is the outermost.
  expect(walk([20, 5, 30], [1, 600, 20], [150, 30, 1])).toBe(false);
  expect(walk([600], [1], [1])).toBe(false);
  // Most of a tile would be empty.
  expect(walk([3, 30], [1, 3], [30, 1])).toBe(false);
});
