/** A convolution that normalises its output, against the two ops that it replaces. */
import { afterEach, describe, expect, test } from 'vitest';
import { backward } from '../../../src/autograd/backward.ts';
import { noGrad } from '../../../src/autograd/graph.ts';
import { batchNorm2d } from '../../../src/autograd/ops/batch-norm2d.ts';
import { conv2d } from '../../../src/autograd/ops/conv2d.ts';
import {
  ACTIVATIONS,
  type BatchNormTensors,
  conv2dBatchNorm2d,
} from '../../../src/autograd/ops/conv2d-batch-norm2d.ts';
import { Tensor } from '../../../src/autograd/tensor.ts';
import type { AdapterTraits, Gpu } from '../../../src/gpu/gpu.ts';
import type { Conv2dVariant } from '../../../src/kernels/conv2d/choose.ts';
import { forceConv2dVariant } from '../../support/force.ts';
import { openTampered, withGpu } from '../../support/gpu.ts';

type Four = readonly [number, number, number, number];

interface Case {
  readonly input: Four;
  readonly weight: Four;
  readonly stride?: readonly [number, number];
  readonly padding?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly groups?: number;
}

/** Odd sizes, widths that are whole vectors and others, more channels than a tile has. */
const CASES: readonly Case[] = [
  { input: [1, 1, 1, 1], weight: [1, 1, 1, 1] },
  { input: [2, 3, 8, 8], weight: [5, 3, 3, 3], padding: [1, 1] },
  { input: [3, 5, 7, 9], weight: [35, 5, 3, 3], padding: [1, 1] },
  { input: [2, 4, 12, 16], weight: [3, 4, 3, 3], padding: [1, 1], stride: [2, 2] },
  { input: [2, 3, 16, 16], weight: [17, 3, 7, 7], padding: [3, 3], stride: [2, 2] },
  { input: [2, 6, 5, 14], weight: [33, 6, 1, 1], stride: [2, 2] },
  { input: [2, 6, 7, 9], weight: [8, 3, 3, 3], padding: [1, 1], dilation: [1, 2], groups: 2 },
  { input: [2, 6, 7, 9], weight: [6, 1, 3, 3], padding: [1, 1], groups: 6 },
  { input: [2, 3, 8, 8], weight: [6, 1, 3, 3], padding: [1, 1], groups: 3 },
];

/** Each variant runs some of the cases, because every shader has to be compiled. */
const VARIANTS: readonly (readonly [Conv2dVariant, Partial<AdapterTraits>, readonly number[]])[] = [
  ['reference', {}, [0, 1, 2, 3, 4, 5, 6, 7]],
  ['rows', { kind: 'cpu' }, [0, 2, 3, 4, 5, 6]],
  ['winograd', { kind: 'cpu' }, [1, 2, 4]],
  // Cases with more than 16 terms are cut into slices, and normalised when the slices are added up.
  ['tiled', { kind: 'gpu' }, [0, 2, 3, 5, 6, 7]],
  ['depthwise', { kind: 'cpu' }, [7, 8]],
];

/** Values of both signs with a long period. */
function filled(gpu: Gpu, shape: readonly number[], seed: number, most = 1): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return Tensor.from(
    gpu,
    Float32Array.from({ length: size }, (_, i) => most * Math.sin(i * 1.7 + seed)),
    shape,
  );
}

/** @param spread of its outputs */
function normOf(gpu: Gpu, channels: number, spread = 1): BatchNormTensors {
  const positive = Float32Array.from({ length: channels }, (_, i) => 0.3 + (i % 7) * 0.21);
  return {
    weight: filled(gpu, [channels], 1, spread),
    bias: filled(gpu, [channels], 2),
    runningMean: filled(gpu, [channels], 3),
    runningVar: Tensor.from(gpu, positive, [channels]),
  };
}

/** Runs the two ops, one after the other. */
function apart(
  input: Tensor,
  weight: Tensor,
  norm: BatchNormTensors,
  { residual, relu, ...options }: Omit<Case, 'input' | 'weight'> & { residual?: Tensor; relu: boolean },
): Tensor {
  const convolved = conv2d(input, weight, undefined, options);
  const after = { training: false, residual, relu };
  return batchNorm2d(convolved, norm.weight, norm.bias, norm.runningMean, norm.runningVar, after);
}

const optionsOf = ({ input, weight, ...options }: Case) => options;

/**
 * Rounding of one multiplication and two additions, in units of the largest value. A driver may contract them, and does
 * so at other places in the two passes. On lavapipe, which contracts nothing, the difference is 0.
 */
const ROUNDING = 4 * 2 ** -24;

async function largestDifference(
  gpu: Gpu,
  one: Case,
  withResidual: boolean,
  relu: boolean,
  activation?: keyof typeof ACTIVATIONS,
): Promise<number> {
  const [input, weight] = [filled(gpu, one.input, 0), filled(gpu, one.weight, 5)];
  // Activations bend at 6 and −3.
  const norm = normOf(gpu, one.weight[0], activation ? 9 : 1);
  const plain = conv2d(input, weight, undefined, optionsOf(one));
  const residual = withResidual ? { residual: filled(gpu, plain.shape, 9) } : {};
  const settings = { ...optionsOf(one), ...residual, relu };
  const normalised = apart(input, weight, norm, settings);
  const expected = await (activation ? ACTIVATIONS[activation](normalised) : normalised).data();
  const actual = await conv2dBatchNorm2d(input, weight, norm, { training: false, ...settings, activation }).data();
  expect(actual.length).toBe(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return expected.reduce((most, value, i) => {
    const difference = Math.abs(value - actual[i]!);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference / largest);
  }, 0);
}

afterEach(() => forceConv2dVariant(undefined));

describe.each(VARIANTS)('%s', async (variant, traits, cases) => {
  const { gpuTest, gpu } = await withGpu({ poisoned: true }, traits);

  for (const one of cases.map((i) => CASES[i]!)) {
    gpuTest(`${one.input.join('x')} by ${one.weight.join('x')}: the values of two passes`, async () => {
      forceConv2dVariant(variant);
      const most = one === CASES[2] || variant === 'depthwise' ? [false, true] : [true];
      for (const residual of most) {
        for (const relu of most) {
          expect(await largestDifference(gpu, one, residual, relu)).toBeLessThanOrEqual(ROUNDING);
        }
      }
    });
  }

  // The same code for all variants; values of one type, and of vectors.
  if (variant === 'rows' || variant === 'depthwise') {
    for (const activation of ['relu6', 'hardswish', 'silu'] as const) {
      gpuTest(`${activation}: the values of three passes`, async () => {
        forceConv2dVariant(variant);
        const one = CASES[variant === 'rows' ? 3 : 7]!;
        expect(await largestDifference(gpu, one, true, false, activation)).toBeLessThanOrEqual(2 * ROUNDING);
      });
    }
  }

  // All variants share this code, so one of them is enough.
  const shared = [
    ['the mean is not subtracted', '(value - norm.x)', '(value - 0.0 * norm.x)'],
    ['the scale is 1.02 times too large', '* norm.y', '* (1.02 * norm.y)'],
    ['the shift is left out', ' + norm.z', ''],
    ['the residual is left out', ' + residual[place]', ''],
    ['ReLU is left out', /select\(result, .*, result < .*\)/, 'result'],
  ] as const;
  for (const [what, find, replace, one = CASES[variant === 'depthwise' ? 7 : 1]!] of [
    ...(variant === 'winograd' ? shared : []),
    [
      'a channel takes the values of another',
      /table\[(channel0 \+ i|channel|outChannel|i \/ .*channels)\]/,
      'table[0]',
    ],
    ...(variant === 'tiled'
      ? [
          [
            'a channel of one slice takes another’s',
            'table[groupOfChannels * rows + row]',
            'table[0]',
            CASES[5]!,
          ] as const,
        ]
      : []),
  ] as const) {
    gpuTest(`is seen: ${what}`, async () => {
      forceConv2dVariant(variant);
      const tampered = await openTampered({ find, replace }, traits);
      expect(await largestDifference(tampered, one, true, true)).toBeGreaterThan(1e-3);
    });
  }
});

const { gpuTest, gpu } = await withGpu();

describe('the table kept for a batch norm', () => {
  gpuTest('is made once, and again when one of its sources has changed', async () => {
    const one = CASES[1]!;
    const [input, weight] = [filled(gpu, one.input, 0), filled(gpu, one.weight, 5)];
    const norm = normOf(gpu, one.weight[0]);
    const settings = { ...optionsOf(one), relu: false };
    const run = () => noGrad(() => conv2dBatchNorm2d(input, weight, norm, { training: false, ...settings }));
    const names: string[] = [];
    const made = (fn: () => void) => {
      names.length = 0;
      gpu.onDispatch = ({ program }) => names.push(program.name);
      fn();
      gpu.onDispatch = undefined;
      return names.filter((name) => name === 'batch_norm_table').length;
    };
    expect(made(run)).toBe(1);
    expect(made(run)).toBe(0);
    for (const tensor of Object.values(norm)) {
      tensor.set(new Float32Array(tensor.size).fill(0.7));
      expect(made(run)).toBe(1);
      expect(await run().data()).toEqual(await noGrad(() => apart(input, weight, norm, settings)).data());
    }
    const other = { training: false, eps: 0.1, ...settings };
    expect(made(() => noGrad(() => conv2dBatchNorm2d(input, weight, norm, other)))).toBe(1);
  });

  gpuTest('returns to the pool with the running variance', () => {
    const before = gpu.pool.liveBytes;
    const one = CASES[1]!;
    const tensors = [filled(gpu, one.input, 0), filled(gpu, one.weight, 5)] as const;
    const norm = normOf(gpu, one.weight[0]);
    noGrad(() => conv2dBatchNorm2d(...tensors, norm, { training: false, ...optionsOf(one) }).dispose());
    for (const tensor of [...tensors, ...Object.values(norm)]) tensor.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });
});

describe('two passes are taken', () => {
  gpuTest('if a gradient is required, which equals that of the two ops', async () => {
    const one = CASES[2]!;
    const gradients = async (compute: typeof apart) => {
      const [input, weight] = [filled(gpu, one.input, 0), filled(gpu, one.weight, 5)];
      const norm = normOf(gpu, one.weight[0]);
      for (const tensor of [input, weight, norm.weight, norm.bias]) tensor.requiresGrad = true;
      const output = compute(input, weight, norm, { ...optionsOf(one), relu: true });
      backward(output, filled(gpu, output.shape, 4));
      return Promise.all([input, weight, norm.weight, norm.bias].map((tensor) => tensor.grad!.data()));
    };
    const together = await gradients((input, weight, norm, options) =>
      conv2dBatchNorm2d(input, weight, norm, { training: false, ...options }),
    );
    expect(together).toEqual(await gradients(apart));
  });

  gpuTest('in training, which moves the running statistics', async () => {
    const one = CASES[1]!;
    const [input, weight] = [filled(gpu, one.input, 0), filled(gpu, one.weight, 5)];
    const norm = normOf(gpu, one.weight[0]);
    const before = await norm.runningMean.data();
    noGrad(() => conv2dBatchNorm2d(input, weight, norm, { training: true, ...optionsOf(one) }));
    expect(await norm.runningMean.data()).not.toEqual(before);
  });
});

describe('errors', () => {
  gpuTest('name the tensor with the wrong shape', () => {
    const [input, weight] = [filled(gpu, [1, 2, 5, 5], 0), filled(gpu, [3, 2, 3, 3], 1)];
    const run = (norm: BatchNormTensors, residual?: Tensor) => () =>
      noGrad(() => conv2dBatchNorm2d(input, weight, norm, { training: false, residual }));
    expect(run(normOf(gpu, 4))).toThrow('batchNorm2d: weight must have shape [3], got [4].');
    expect(run(normOf(gpu, 3), filled(gpu, [1, 3, 5, 5], 2))).toThrow('residual must have shape [1, 3, 3, 3]');
  });
});

test('the cases include widths of whole vectors and odd widths', () => {
  expect(CASES.some(({ input }) => input[3] % 4 === 0) && CASES.some(({ input }) => input[3] % 2 === 1)).toBe(true);
});
