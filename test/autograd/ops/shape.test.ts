/** Ops that copy values to other places, or only change the shape: golden values, gradients, errors. */

import { describe, expect, test } from 'vitest';
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
  OptionError,
  type PadOptions,
  pad,
  permute,
  ShapeError,
  squeeze,
  stack,
  Tensor,
  transpose,
  unsqueeze,
} from '../../../src/autograd/index.ts';
import { joinedAxes } from '../../../src/kernels/copy/pad.ts';
import { EXACT } from '../../support/compare.ts';
import { withGpu } from '../../support/gpu.ts';
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
    ['a carry is lost', 'permute', 'output', { find: 'after.i1 += carry;', replace: '' }],
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
