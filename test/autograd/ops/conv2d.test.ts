/** What golden cases of conv2d cannot say: its errors for groups and dilation, and tensors without values, as in torch. */
import { describe, expect } from 'vitest';
import {
  backward,
  type Conv2dOptions,
  conv2d,
  noGrad,
  OptionError,
  ShapeError,
  Tensor,
} from '../../../src/autograd/index.ts';
import { conv2dBatchNorm2d } from '../../../src/autograd/ops/conv2d-batch-norm2d.ts';
import { withGpu } from '../../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

const ones = (...shape: number[]) => {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Tensor.from(gpu, new Float32Array(size).fill(1), shape);
};
const run = (input: number[], weight: number[], options: Conv2dOptions = {}) =>
  conv2d(ones(...input), ones(...weight), undefined, options);

describe('refuses', () => {
  for (const [message, input, weight, options] of [
    [
      'conv2d: weight [4, 2, 3, 3] takes 2 channels in each of 4 groups, but input [1, 4, 5, 5] has 4.',
      [1, 4, 5, 5],
      [4, 2, 3, 3],
      { groups: 4 },
    ],
    [
      'conv2d: weight must have output channels, in 3 equal groups, and a kernel, got [4, 2, 3, 3].',
      [1, 6, 5, 5],
      [4, 2, 3, 3],
      { groups: 3 },
    ],
    [
      'conv2d: the kernel 3x3 with dilation 3, 1 does not fit the input [1, 1, 6, 6] with padding 0, 0. Use larger images ' +
        'or more padding.',
      [1, 1, 6, 6],
      [1, 1, 3, 3],
      { dilation: [3, 1] },
    ],
    ['conv2d: weight must have output channels', [2, 3, 5, 5], [0, 3, 3, 3], {}],
    ['conv2d: weight must have output channels, in 1 equal groups, and a kernel', [2, 3, 5, 5], [4, 3, 0, 3], {}],
    ['conv2d: the kernel 1x1 does not fit the input [2, 3, 0, 5]', [2, 3, 0, 5], [4, 3, 1, 1], {}],
    ['conv2d: input must have pixels, got [2, 3, 0, 5].', [2, 3, 0, 5], [4, 3, 3, 3], { padding: 2 }],
    ['conv2d: the kernel 3x3 does not fit the input [0, 3, 2, 2]', [0, 3, 2, 2], [4, 3, 3, 3], {}],
  ] as const) {
    gpuTest(message, () => {
      const refused = () => run([...input], [...weight], options);
      expect(refused).toThrow(ShapeError);
      expect(refused).toThrow(message);
    });
  }

  gpuTest('groups that are no whole number of at least 1', () => {
    for (const groups of [0, -1, 1.5, Number.NaN, '2', [2]] as number[]) {
      const refused = () => run([1, 4, 5, 5], [4, 2, 3, 3], { groups });
      expect(refused).toThrow(OptionError);
      expect(refused).toThrow('conv2d: groups must be a whole number of at least 1, got ');
    }
  });
});

describe('without values', () => {
  for (const [what, input, weight, options, output] of [
    ['no images', [0, 3, 5, 5], [4, 3, 3, 3], {}, [0, 4, 3, 3]],
    ['no images, depthwise', [0, 4, 5, 5], [4, 1, 3, 3], { groups: 4 }, [0, 4, 3, 3]],
    ['no images and no pixels', [0, 3, 0, 0], [4, 3, 3, 3], { padding: 2 }, [0, 4, 2, 2]],
    // As in torch, which has no output channels then.
    ['no channels', [2, 0, 5, 5], [4, 0, 3, 3], {}, [2, 0, 3, 3]],
  ] as const) {
    gpuTest(`${what}: an empty result, and gradients of zeros`, async () => {
      const leaves = [ones(...input), ones(...weight), ones(4)] as const;
      for (const leaf of leaves) leaf.requiresGrad = true;
      const result = conv2d(...leaves, options);
      expect(result.shape).toEqual(output);
      expect(await result.data()).toHaveLength(0);
      backward(result, ones(...output));
      for (const leaf of leaves) {
        expect(leaf.grad!.shape).toEqual(leaf.shape);
        expect(await leaf.grad!.data()).toEqual(new Float32Array(leaf.size));
      }
    });
  }

  gpuTest('no images, before a batch norm', async () => {
    const norm = { weight: ones(4), bias: ones(4), runningMean: ones(4), runningVar: ones(4) };
    const result = noGrad(() => conv2dBatchNorm2d(ones(0, 3, 5, 5), ones(4, 3, 3, 3), norm, { training: false }));
    expect([result.shape, await result.data()]).toEqual([[0, 4, 3, 3], new Float32Array(0)]);
  });
});
