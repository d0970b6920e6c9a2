/**
 * Layer norm and group norm: golden values, gradients, planted errors; their choice of kernels, and what golden files
 * cannot say about shapes and options.
 */
import { describe, expect, test } from 'vitest';
import {
  backward,
  batchNorm2d,
  DTypeError,
  groupNorm,
  layerNorm,
  OptionError,
  ShapeError,
  Tensor,
} from '../../../src/autograd/index.ts';
import { chooseColumns, chooseElementwise, chooseRows } from '../../../src/kernels/layer-norm/shape.ts';
import { EXACT, expectClose } from '../../support/compare.ts';
import { withGpu } from '../../support/gpu.ts';
import { untyped } from '../../support/untyped.ts';
import { leaf, testFamily } from './family.ts';
import type { Case } from './golden.ts';

const forTests = await withGpu({ poisoned: true });
const { gpuTest, gpu } = forTests;

/**
 * A few roundings of values up to the largest result, far from 0 and for constant rows too: the statistics are right to
 * an ulp. (PyTorch's float32 is off by 1e-4 for values around 1000, by up to 8e-2 for constant rows.) Gradients of
 * weight and bias are sums of n terms around 1 of both signs, whose partial sums reach about √n and are rounded there.
 */
function tolerance({ inputs, expected }: Case, result: string) {
  const values = expected[result]!.values as Float32Array;
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const terms = /^(weight|bias)Grad$/.test(result) ? inputs.input!.values.length / values.length : 0;
  return { atol: Math.max(4e-7 * largest, 1e-6 * Math.sqrt(terms)), rtol: 1e-6 };
}

testFamily(forTests, {
  golden: 'layer-norm',
  runs: {
    layerNorm: ({ input, weight, bias }, { shape, ...options }) =>
      layerNorm(input!, shape as number[], weight, bias, options),
    groupNorm: ({ input, weight, bias }, { groups, ...options }) =>
      groupNorm(input!, groups as number, weight, bias, options),
  },
  tolerances: { layerNorm: tolerance, groupNorm: tolerance },
  subjects: {
    layerNorm: {
      inputs: (device) => [leaf(device, [3, 2, 7]), leaf(device, [7]), leaf(device, [7])],
      fn: (input, weight, bias) => layerNorm(input, 7, weight, bias),
    },
    'layerNorm of long rows': {
      inputs: (device) => [leaf(device, [2, 5, 28]), leaf(device, [5, 28])],
      fn: (input, weight) => layerNorm(input, [5, 28], weight),
    },
    'groupNorm of images': {
      inputs: (device) => [leaf(device, [2, 6, 2, 3]), leaf(device, [6]), leaf(device, [6])],
      fn: (input, weight, bias) => groupNorm(input, 3, weight, bias),
    },
    'groupNorm of values': {
      inputs: (device) => [leaf(device, [3, 8]), leaf(device, [8]), leaf(device, [8])],
      fn: (input, weight, bias) => groupNorm(input, 2, weight, bias),
    },
  },
  planted: [
    [
      'eps is added outside the square root',
      'layerNorm',
      'output',
      { find: /let invStd = .*;/, replace: 'let invStd = 1.0 / (sqrt(found.squares.x / count) + params.eps);' },
    ],
    ['the mean’s rounding error is dropped', 'layerNorm', 'output', { find: '-found.mean.y * invStd', replace: '0.0' }],
    [
      'the variance is unbiased',
      'layerNorm',
      'output',
      { find: 'found.squares, count', replace: 'found.squares, count - 1.0' },
    ],
    [
      'the mean of the gradient is missing',
      'layerNorm',
      'inputGrad',
      { find: 'grad - gradMean - x', replace: 'grad - x' },
    ],
    ['the term of the variance is missing', 'layerNorm', 'inputGrad', { find: ' - x * productMean', replace: '' }],
    [
      'the last value of a run is left out of a row’s sums',
      'layerNorm',
      'inputGrad',
      { find: 'min(start + LANES * RUN, end)', replace: 'min(start + LANES * RUN - 1u, end)' },
    ],
    [
      'a run of a row’s sums replaces the runs before it',
      'layerNorm',
      'inputGrad',
      { find: 'addTo(&grads, &gradsLow, runGrads);', replace: 'grads = runGrads;' },
    ],
    [
      'the last row of a slice is left out',
      'layerNorm',
      'biasGrad',
      { find: 'first + params.slice, params.rows', replace: 'first + params.slice - 1u, params.rows' },
    ],
    [
      'a run of rows replaces the runs before it',
      'layerNorm',
      'weightGrad',
      { find: 'products += runProducts;', replace: 'products = runProducts;' },
    ],
    [
      'invocations are left out of the sums of a column',
      'layerNorm',
      'biasGrad',
      { find: 'half = LANES_Y / 2u', replace: 'half = LANES_Y / 4u' },
    ],
    [
      'the products of a slice take the place of another’s',
      'layerNorm',
      'weightGrad',
      { find: '(groups.y + group.y) *', replace: 'groups.y *' },
    ],
    ['all groups have the weights of the first', 'groupNorm', 'output', { find: 'row % params.period', replace: '0u' }],
    [
      'the channels of a group have the statistics of others',
      'groupNorm',
      'output',
      { find: 'row / params.share', replace: 'row % params.share' },
    ],
    [
      'the weight is missing in the sums over planes',
      'groupNorm',
      'inputGrad',
      { find: 'terms[i] * weight[weights + i]', replace: 'terms[i]' },
    ],
    [
      'the statistics of the sums over a batch are those of the first group',
      'groupNorm',
      'weightGrad',
      { find: 'row * statisticsPerRow + own', replace: 'row * statisticsPerRow' },
    ],
  ],
});

/** Runs backward from a random gradient. */
const differentiate = (output: Tensor) => backward(output, leaf(gpu, [...output.shape]).detach());

describe('without values', () => {
  for (const [name, run] of [
    ['layerNorm', (input: Tensor, weight: Tensor, bias: Tensor) => layerNorm(input, 3, weight, bias)],
    ['groupNorm', (input: Tensor, weight: Tensor, bias: Tensor) => groupNorm(input, 3, weight, bias)],
  ] as const) {
    gpuTest(`${name} of no rows gives weight and bias gradients of zeros`, async () => {
      const [input, weight, bias] = [leaf(gpu, [0, 3]), leaf(gpu, [3]), leaf(gpu, [3])] as const;
      const output = run(input, weight, bias);
      expect(output.shape).toEqual([0, 3]);
      differentiate(output);
      expect(input.grad!.shape).toEqual([0, 3]);
      expect(await weight.grad!.data()).toEqual(new Float32Array(3));
      expect(await bias.grad!.data()).toEqual(new Float32Array(3));
    });
  }

  gpuTest('rows and channels may be empty, too', () => {
    const [input, weight] = [leaf(gpu, [2, 0]), leaf(gpu, [0])] as const;
    differentiate(layerNorm(input, 0, weight));
    expect([input.grad!.shape, weight.grad!.shape]).toEqual([[2, 0], [0]]);
    for (const shape of [
      [2, 0, 4],
      [2, 3, 0],
      [0, 3, 4],
    ]) {
      const empty = leaf(gpu, shape);
      differentiate(groupNorm(empty, 3));
      expect(empty.grad!.shape).toEqual(shape);
    }
  });

  for (const training of [false, true]) {
    gpuTest(`batchNorm2d keeps its running statistics ${training ? 'in training' : 'in evaluation mode'}`, async () => {
      const input = leaf(gpu, [0, 3, 2, 2]);
      const [weight, bias, mean, variance] = [1, 2, 3, 4].map(() => leaf(gpu, [3])) as [Tensor, Tensor, Tensor, Tensor];
      const before = await mean.data();
      const residual = leaf(gpu, [0, 3, 2, 2]);
      const output = batchNorm2d(input, weight, bias, mean.detach(), variance.detach(), { training, residual });
      expect(output.shape).toEqual([0, 3, 2, 2]);
      differentiate(output);
      expect([input.grad!.shape, residual.grad!.shape]).toEqual([input.shape, input.shape]);
      expect(await weight.grad!.data()).toEqual(new Float32Array(3));
      expect(await bias.grad!.data()).toEqual(new Float32Array(3));
      expect(await mean.data()).toEqual(before);
    });
  }
});

describe('shapes, types and options', () => {
  const refused: [string, new (...all: never[]) => Error, () => unknown][] = [
    [
      'layerNorm: input must end with the normalizedShape [3], got [3, 4].',
      ShapeError,
      () => layerNorm(leaf(gpu, [3, 4]), 3),
    ],
    [
      'layerNorm: input must end with the normalizedShape [2, 4], got [4].',
      ShapeError,
      () => layerNorm(leaf(gpu, [4]), [2, 4]),
    ],
    [
      'layerNorm: weight must have shape [3, 4], got [12].',
      ShapeError,
      () => layerNorm(leaf(gpu, [2, 3, 4]), [3, 4], leaf(gpu, [12])),
    ],
    [
      'layerNorm: bias must have shape [4], got [1].',
      ShapeError,
      () => layerNorm(leaf(gpu, [3, 4]), 4, undefined, leaf(gpu, [1])),
    ],
    [
      'layerNorm: normalizedShape must have at least one extent, got [].',
      OptionError,
      () => layerNorm(leaf(gpu, [3]), []),
    ],
    [
      'layerNorm: normalizedShape must be a whole number of at least 0, got 1.5.',
      OptionError,
      () => layerNorm(leaf(gpu, [3]), [1.5]),
    ],
    [
      'layerNorm: eps must be a finite number of at least 0, got -1.',
      OptionError,
      () => layerNorm(leaf(gpu, [3]), 3, undefined, undefined, { eps: -1 }),
    ],
    [
      'layerNorm: option epsilon is not implemented. Leave it out; the options are eps.',
      OptionError,
      () => layerNorm(leaf(gpu, [3]), 3, undefined, undefined, { epsilon: 1 } as object),
    ],
    [
      'layerNorm: input must hold f32 values, got u32.',
      DTypeError,
      () => layerNorm(untyped<Tensor>(Tensor.from(gpu, new Uint32Array(3))), 3),
    ],
    ['groupNorm: input must have shape [N, C, *], got [3].', ShapeError, () => groupNorm(leaf(gpu, [3]), 1)],
    [
      'groupNorm: the channels must divide into 2 groups, got input [2, 3].',
      ShapeError,
      () => groupNorm(leaf(gpu, [2, 3]), 2),
    ],
    [
      'groupNorm: numGroups must be a whole number of at least 1, got 0.',
      OptionError,
      () => groupNorm(leaf(gpu, [2, 3]), 0),
    ],
    [
      'groupNorm: a group needs more than one value in the batch, got input [1, 3, 1] in 3 groups.',
      ShapeError,
      () => groupNorm(leaf(gpu, [1, 3, 1]), 3),
    ],
    [
      'groupNorm: weight must have shape [4], got [2].',
      ShapeError,
      () => groupNorm(leaf(gpu, [1, 4, 2]), 2, leaf(gpu, [2])),
    ],
  ];
  for (const [message, type, run] of refused) {
    gpuTest(message, () => {
      expect(run).toThrow(type);
      expect(run).toThrow(message);
    });
  }

  gpuTest('a frozen weight or bias gets no gradient, and costs no sums', () => {
    const [input, weight, bias] = [leaf(gpu, [4, 6]), leaf(gpu, [6]), leaf(gpu, [6])] as const;
    weight.requiresGrad = false;
    bias.requiresGrad = false;
    const output = layerNorm(input, 6, weight, bias);
    const kernels: string[] = [];
    gpu.onDispatch = ({ program }) => kernels.push(program.name);
    differentiate(output);
    gpu.onDispatch = undefined;
    expect(kernels).toEqual(['layer_norm_sums_weight', 'layer_norm_backward_input_weight']);
    expect([weight.grad, bias.grad]).toEqual([undefined, undefined]);
  });

  gpuTest('a frozen input costs only the sums of weight and bias', async () => {
    const [input, weight] = [leaf(gpu, [4, 6]), leaf(gpu, [6])] as const;
    input.requiresGrad = false;
    const output = layerNorm(input, 6, weight);
    const kernels: string[] = [];
    gpu.onDispatch = ({ program }) => kernels.push(program.name);
    // Backward does not read the weight.
    weight.set(new Float32Array(6));
    differentiate(output);
    gpu.onDispatch = undefined;
    expect(kernels).toEqual(['layer_norm_column_sums']);
    expect(await weight.grad!.data()).toHaveLength(6);
  });

  gpuTest('more rows than a dimension of a grid has workgroups', async () => {
    for (const shape of [
      [70_000, 2],
      [70_000, 1, 2],
    ]) {
      const input = leaf(gpu, shape);
      const [weight, bias] = [leaf(gpu, shape.slice(1, 2)), leaf(gpu, shape.slice(1, 2))] as const;
      const output = groupNorm(input, 1, weight, bias);
      differentiate(output);
      const [values, outputs] = [await input.data(), await output.data()];
      const [scale, shift] = [await weight.data(), await bias.data()];
      const apart = (values[139_999]! - values[139_998]!) / 2;
      const expected = (apart / Math.sqrt(apart * apart + 1e-5)) * scale.at(-1)! + shift.at(-1)!;
      expect(outputs[139_999]).toBeCloseTo(expected, 5);
      expect((await input.grad!.data()).every(Number.isFinite)).toBe(true);
    }
  });
});

gpuTest('more channels than the workgroups along them take at a time', async () => {
  // Eight of them are a workgroup's on a CPU adapter, 64 on a GPU.
  const channels = gpu.traits.kind === 'cpu' ? 530_001 : 4_200_001;
  const values = (step: number) => Float32Array.from({ length: channels }, (_, i) => ((i * step) % 1000) - 500);
  const input = Tensor.from(gpu, values(3), [1, channels]);
  const bias = Tensor.zeros(gpu, [channels]);
  bias.requiresGrad = true;
  backward(layerNorm(input, channels, undefined, bias), Tensor.from(gpu, values(7), [1, channels]));
  expectClose('bias gradient', await bias.grad!.data(), values(7), EXACT);
});

describe('the choice of kernels depends on the adapter and the shape only', () => {
  test('short rows are summed by an invocation, others by a workgroup', () => {
    const cpu = { kind: 'cpu', subgroupSize: 8 } as const;
    const gpuTraits = { kind: 'gpu', subgroupSize: 32 } as const;
    const one = { single: true, run: 8, subgroup: 0 };
    expect(chooseRows(cpu, 5)).toEqual({ ...one, workgroup: 8, vector: false });
    expect(chooseRows(cpu, 1024)).toEqual({ ...one, workgroup: 8, vector: true });
    expect(chooseRows(cpu, 1025)).toEqual({ single: false, workgroup: 8, run: 8, subgroup: 8, vector: false });
    expect(chooseRows(gpuTraits, 32)).toEqual({ ...one, workgroup: 64, vector: true });
    expect(chooseRows(gpuTraits, 33)).toEqual({ single: false, workgroup: 64, run: 8, subgroup: 32, vector: false });
    expect(chooseRows(gpuTraits, 4096).workgroup).toBe(256);
  });

  test('invocations lie along rows as far as these reach', () => {
    expect(chooseElementwise('gpu', 5)).toMatchObject({ lanesX: 8, lanesY: 8, vector: false });
    expect(chooseElementwise('gpu', 768)).toMatchObject({ lanesX: 64, lanesY: 1, vector: true });
    expect(chooseElementwise('cpu', 64)).toMatchObject({ lanesX: 1, lanesY: 8 });
    expect(chooseElementwise('cpu', 1500)).toMatchObject({ lanesX: 8, lanesY: 1 });
  });

  test('the sums over rows take four channels at a time if these have the same statistics', () => {
    expect(chooseColumns('gpu', { channels: 64, groups: 1 }, false)).toEqual({
      columns: 16,
      constants: { lanesX: 16, lanesY: 16, vector: true },
    });
    expect(chooseColumns('gpu', { channels: 8, groups: 4 }, false).constants.vector).toBe(false);
    expect(chooseColumns('gpu', { channels: 8, groups: 4 }, true).constants.vector).toBe(true);
    expect(chooseColumns('cpu', { channels: 5, groups: 1 }, false).constants).toEqual({
      ...{ lanesX: 8, lanesY: 1, vector: false },
    });
  });
});
