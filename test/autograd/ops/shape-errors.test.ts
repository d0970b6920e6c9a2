/** What ops that copy values refuse, and the messages. */

import { describe, expect } from 'vitest';
import {
  concat,
  type DType,
  expand,
  flatten,
  flip,
  indexSelect,
  narrow,
  OptionError,
  pad,
  permute,
  reshape,
  ShapeError,
  squeeze,
  stack,
  Tensor,
  transpose,
  unsqueeze,
} from '../../../src/autograd/index.ts';
import { withGpu } from '../../support/gpu.ts';
import { untyped } from '../../support/untyped.ts';

const { gpuTest, gpu } = await withGpu();

const zeros = (...shape: number[]) => Tensor.zeros(gpu, shape);
const index = (...values: number[]) => Tensor.from(gpu, Uint32Array.from(values));

describe('an OptionError names what was expected and what was found', () => {
  const refused: [string, () => unknown][] = [
    [
      'transpose: dim0 must be a whole number from -2 to 1 for shape [2, 3], got 2.',
      () => transpose(zeros(2, 3), 2, 0),
    ],
    ['transpose: dim1 must be a whole number from -1 to 0 for shape [], got 0.5.', () => transpose(zeros(), 0, 0.5)],
    [
      'permute: dims[1] must be a whole number from -2 to 1 for shape [2, 3], got -3.',
      () => permute(zeros(2, 3), [0, -3]),
    ],
    ['permute: dims must be different, got [0, -2], in which 0 occurs twice.', () => permute(zeros(2, 3), [0, -2])],
    ['permute: dims must have each of the 2 dimensions of input [2, 3], got [1].', () => permute(zeros(2, 3), [1])],
    ['permute: dims must be a dimension or a list of them, got "all".', () => permute(zeros(2, 3), untyped('all'))],
    [
      'permute: dims must have each of the 2 dimensions of input [2, 3], got [1].',
      () => permute(zeros(2, 3), untyped(1)),
    ],
    ['narrow: dim must be a whole number from -1 to 0 for shape [5], got 1.', () => narrow(zeros(5), 1, 0, 1)],
    [
      'narrow: start and length must be those of a part of dimension 0, whose extent is 5 in shape [5], got start 3 and length 3.',
      () => narrow(zeros(5), 0, 3, 3),
    ],
    ['got start -6 and length 1.', () => narrow(zeros(5), 0, -6, 1)],
    ['got start 2 and length -1.', () => narrow(zeros(5), 0, 2, -1)],
    ['got start 0.5 and length 1.', () => narrow(zeros(5), 0, 0.5, 1)],
    ['concat: dim must be a whole number from -2 to 1 for shape [2, 3], got 2.', () => concat([zeros(2, 3)], 2)],
    ['stack: dim must be a whole number from -3 to 2 for shape [2, 3], got 3.', () => stack([zeros(2, 3)], 3)],
    [
      'indexSelect: dim must be a whole number from -1 to 0 for shape [5], got 1.',
      () => indexSelect(zeros(5), 1, index(0)),
    ],
    ['squeeze: dim must be a whole number from -2 to 1 for shape [1, 3], got 2.', () => squeeze(zeros(1, 3), 2)],
    ['unsqueeze: dim must be a whole number from -3 to 2 for shape [2, 3], got -4.', () => unsqueeze(zeros(2, 3), -4)],
    ['flip: dims must be different, got [0, 0], in which 0 occurs twice.', () => flip(zeros(2, 3), [0, 0])],
    ['flatten: startDim must be a whole number from -1 to 0 for shape [], got 1.', () => flatten(zeros())],
    ['flatten: startDim must be a whole number from -1 to 0 for shape [3], got 1.', () => flatten(zeros(3))],
    ['flatten: endDim 0 must not come before startDim 1 for shape [2, 3].', () => flatten(zeros(2, 3), 1, 0)],
    ['pad: padding must be pairs of whole numbers, from the last dimension on, got [1].', () => pad(zeros(5), [1])],
    [
      'pad: padding must be pairs of whole numbers, from the last dimension on, got 1.',
      () => pad(zeros(5), untyped(1)),
    ],
    [
      'pad: mode must be constant, reflect, replicate, circular, got edge.',
      () => pad(zeros(5), [1, 1], { mode: untyped('edge') }),
    ],
    ['pad: mode reflect takes no value, got 1.', () => pad(zeros(1, 5), [1, 1], { mode: 'reflect', value: 1 })],
    ['pad: value must be a number, got one.', () => pad(zeros(5), [1, 1], { value: untyped('one') })],
    [
      'pad: value must be a value of type i32, got 0.5.',
      () => pad(Tensor.from(gpu, Int32Array.of(1)), [1, 1], { value: 0.5 }),
    ],
    ['pad: option fill is not implemented.', () => pad(zeros(5), [1, 1], untyped({ fill: 1 }))],
  ];
  for (const [message, run] of refused) {
    gpuTest(message, () => {
      expect(run).toThrow(OptionError);
      expect(run).toThrow(message);
    });
  }
});

describe('a ShapeError names the tensor, what was expected and what was found', () => {
  const refused: [string, () => unknown][] = [
    ['narrow: input must have at least one dimension, got shape [].', () => narrow(zeros(), 0, 0, 1)],
    ['concat: expected an array of at least one tensor, got none.', () => concat([])],
    ['stack: expected an array of at least one tensor, got none.', () => stack([])],
    ['concat: tensors[1] must have shape [*, 3], got [2, 4].', () => concat([zeros(1, 3), zeros(2, 4)])],
    ['concat: tensors[1] must have shape [*, 3], got [2].', () => concat([zeros(1, 3), zeros(2)])],
    ['concat: tensors[1] must have shape [1, *], got [2, 0].', () => concat([zeros(1, 3), zeros(2, 0)], 1)],
    ['concat: tensors must have dimensions, got shape []. Use stack.', () => concat([zeros()])],
    ['stack: tensors[1] must have shape [2], got [3].', () => stack([zeros(2), zeros(3)])],
    ['expand: input [3, 2] cannot be repeated to shape [3, 4].', () => expand(zeros(3, 2), [3, 4])],
    ['expand: input [3, 1] cannot be repeated to shape [-1, 3, 4].', () => expand(zeros(3, 1), [-1, 3, 4])],
    ['expand: input [3, 1] cannot be repeated to shape [3].', () => expand(zeros(3, 1), [3])],
    ['expand: input [3, 0] cannot be repeated to shape [3, 1].', () => expand(zeros(3, 0), [3, 1])],
    ['expand: input [3, 1] cannot be repeated to shape [3, -2].', () => expand(zeros(3, 1), [3, -2])],
    [
      'indexSelect: index must have shape [] or [J], got [1, 1].',
      () => indexSelect(zeros(5), 0, reshape(index(0), [1, 1])),
    ],
    ['indexSelect: index must have shape [] or [1], got [2].', () => indexSelect(zeros(), 0, index(0, 0))],
    ['pad: padding [1, 1, 1, 1] has 2 pairs, more than input [5] has dimensions.', () => pad(zeros(5), [1, 1, 1, 1])],
    ['pad: padding -3, -3 cuts off more than the 5 of dimension 0 of input [5].', () => pad(zeros(5), [-3, -3])],
    ['pad: padding 4, -7 cuts off more than the 5 of dimension 0 of input [5].', () => pad(zeros(5), [4, -7])],
    [
      'pad: mode reflect pads the last one, two or three dimensions of a tensor that has one or two more, got 1 pairs for ' +
        'input [5].',
      () => pad(zeros(5), [1, 1], { mode: 'reflect' }),
    ],
    ['got 1 pairs for input [2, 3, 4, 5].', () => pad(zeros(2, 3, 4, 5), [1, 1], { mode: 'circular' })],
    [
      'pad: mode reflect takes at most 4 before and after dimension 1 of input [1, 5], got 5 and 0.',
      () => pad(zeros(1, 5), [5, 0], { mode: 'reflect' }),
    ],
    [
      'pad: mode circular takes at most 5 before and after dimension 1 of input [1, 5], got 0 and 6.',
      () => pad(zeros(1, 5), [0, 6], { mode: 'circular' }),
    ],
    ['takes at most 0 before and after dimension 1', () => pad(zeros(1, 0), [1, 0], { mode: 'replicate' })],
    [
      'pad: at most 8 dimensions can be padded at once',
      () => pad(zeros(...new Array<number>(9).fill(1)), new Array<number>(18).fill(1)),
    ],
  ];
  for (const [message, run] of refused) {
    gpuTest(message, () => {
      expect(run).toThrow(ShapeError);
      expect(run).toThrow(message);
    });
  }
});

gpuTest('tensors of other types are refused by name', () => {
  expect(() => concat<DType>([zeros(2), index(1)])).toThrow('concat: tensors[1] must hold f32 values, got u32.');
  expect(() => indexSelect(zeros(2), 0, untyped(zeros(1)))).toThrow(
    'indexSelect: index must hold u32 values, got f32.',
  );
});
