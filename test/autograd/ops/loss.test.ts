/** Losses with their options: golden values, finite differences, planted errors; empty tensors, many rows, refusals. */

import { describe, expect } from 'vitest';
import {
  type BceWithLogitsOptions,
  backward,
  bceWithLogits,
  type ClassLossOptions,
  type CrossEntropyOptions,
  countCorrect,
  crossEntropy,
  DTypeError,
  GraphError,
  type MseOptions,
  mse,
  nllLoss,
  OptionError,
  type Reduction,
  ShapeError,
  sizeOf,
  Tensor,
} from '../../../src/autograd/index.ts';
import type { Gpu } from '../../../src/gpu/gpu.ts';
import type { ShaderEdit } from '../../support/gpu.ts';
import { openAs, withGpu } from '../../support/gpu.ts';
import { untyped } from '../../support/untyped.ts';
import { leaf, testFamily } from './family.ts';

const own = await withGpu({ poisoned: true });
const { gpuTest, gpu } = own;

const asLabels = (labels: Tensor | undefined) => labels as unknown as Tensor<'u32'>;
const labelsOf = (device: Gpu, shape: number[], classes: number) =>
  Tensor.from(
    device,
    Uint32Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7 + 3) % classes),
    shape,
  );
const weightOf = (device: Gpu, shape: number[]) =>
  Tensor.from(
    device,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => 0.4 + ((i * 5) % 7) / 5),
    shape,
  );

type Planted = readonly [what: string, op: string, wrong: string, edit: ShaderEdit];

testFamily(own, {
  golden: 'loss',
  runs: {
    crossEntropy: ({ logits, labels, weight }, options) =>
      crossEntropy(logits!, asLabels(labels), { ...(options as CrossEntropyOptions), weight }),
    nllLoss: ({ logProbabilities, labels, weight }, options) =>
      nllLoss(logProbabilities!, asLabels(labels), { ...(options as ClassLossOptions), weight }),
    mse: ({ input, target }, options) => mse(input!, target!, options as MseOptions),
    bceWithLogits: ({ logits, target, weight, posWeight }, options) =>
      bceWithLogits(logits!, target!, { ...(options as BceWithLogitsOptions), weight, posWeight }),
  },
  tolerances: {
    // WGSL allows exp 3 + 2|x| ulps and log an absolute 2⁻²¹. Losses reach 10, their sums 1,000.
    crossEntropy: { atol: 1e-6, rtol: 2e-6 },
    // A product of two values, and sums of up to 134 of them.
    nllLoss: { atol: 1e-7, rtol: 5e-7 },
    // Products of differences, and sums of 2,083 in runs.
    mse: { atol: 1e-7, rtol: 5e-7 },
    // exp as above, where it is at most 1; the logarithm is a series, right to an ulp.
    bceWithLogits: { atol: 5e-7, rtol: 1e-6 },
  },
  subjects: {
    'crossEntropy with options': {
      inputs: (device) => [leaf(device, [6, 5])],
      fn: (logits) =>
        crossEntropy(logits, labelsOf(logits.gpu, [6], 5), {
          ...{ weight: weightOf(logits.gpu, [5]), ignoreIndex: 2, labelSmoothing: 0.2 },
        }),
    },
    'crossEntropy of dimensions after the class': {
      inputs: (device) => [leaf(device, [2, 5, 3])],
      fn: (logits) =>
        crossEntropy(logits, labelsOf(logits.gpu, [2, 3], 5), {
          ...{ weight: weightOf(logits.gpu, [5]), ignoreIndex: 2, labelSmoothing: 0.2, reduction: 'none' },
        }),
    },
    nllLoss: {
      inputs: (device) => [leaf(device, [2, 5, 3])],
      fn: (logs) =>
        nllLoss(logs, labelsOf(logs.gpu, [2, 3], 5), { weight: weightOf(logs.gpu, [5]), reduction: 'none' }),
    },
    mse: {
      inputs: (device) => [leaf(device, [3, 5]), leaf(device, [3, 5], (value) => value + 3)],
      fn: (input, target) => mse(input, target, { reduction: 'sum' }),
    },
    bceWithLogits: {
      inputs: (device) => [
        leaf(device, [3, 5], (value) => 3 * value),
        leaf(device, [3, 5], (value) => 0.5 + value / 3),
      ],
      fn: (logits, target) =>
        bceWithLogits(logits, target, {
          ...{ weight: weightOf(logits.gpu, [3, 1]), posWeight: weightOf(logits.gpu, [5]), reduction: 'none' },
        }),
    },
  },
  planted: [
    ...(['crossEntropy', 'nllLoss'] as const).flatMap((op): Planted[] => [
      [
        'the mean divides by the number of rows',
        op,
        'output',
        { find: /shares\[n\] = .*;/, replace: 'shares[n] = 1.0;' },
      ],
      [
        'the ignored label counts',
        op,
        'output',
        { find: /params\.ignores == ([01])u/, replace: 'params.ignores == $1u + 7u' },
      ],
      ['the weight of the label is ignored', op, 'output', { find: 'share = weight[label]', replace: 'share = 1.0' }],
    ]),
    [
      'smoothing is ignored in backward',
      'crossEntropy',
      'logitsGrad',
      { find: 'wanted = even * weight[c];', replace: '' },
    ],
    [
      'smoothing is not taken from the label in backward',
      'crossEntropy',
      'logitsGrad',
      { find: 'wanted += (1.0 - params.smoothing) * weight[c]', replace: 'wanted += weight[c]' },
    ],
    [
      'smoothing is ignored in the target’s sum',
      'crossEntropy',
      'logitsGrad',
      { find: 'total = even * found.y', replace: 'total = 0.0' },
    ],
    ['smoothing takes all weights as 1', 'crossEntropy', 'output', { find: 'weight[c] * value', replace: 'value' }],
    [
      'weights are ignored in backward',
      'crossEntropy',
      'logitsGrad',
      { find: ' * total - wanted', replace: ' - wanted' },
    ],
    [
      'the ignored label has a gradient',
      'crossEntropy',
      'logitsGrad',
      { find: 'let counts = params.ignores == 0u ||', replace: 'let counts = true ||' },
    ],
    [
      'one gradient for all rows',
      'crossEntropy',
      'logitsGrad',
      { find: 'outputGrad[n * params.step]', replace: 'outputGrad[0]' },
    ],
    [
      'the labels of the first image are those of all',
      'crossEntropy',
      'output',
      { find: /labels\[n\](;\s+var share)/, replace: 'labels[n % params.inner]$1' },
    ],
    [
      'the ignored label has a gradient',
      'nllLoss',
      'logProbabilitiesGrad',
      { find: /(var grad = 0.0;\n\s*if \()/, replace: '$1true || ' },
    ],
    [
      'weights are ignored in backward',
      'nllLoss',
      'logProbabilitiesGrad',
      { find: 'grad = -weight[c] *', replace: 'grad = -1.0 *' },
    ],
    [
      'a sum is cut short',
      'mse',
      'output',
      { find: 'i < end; i += WORKGROUP', replace: 'i < first + 1u; i += WORKGROUP' },
    ],
    ['half the slope', 'mse', 'targetGrad', { find: 'params.factor * (', replace: '0.5 * params.factor * (' }],
    [
      'weights are ignored in backward',
      'bceWithLogits',
      'logitsGrad',
      { find: 'return weightAt(i) * slope', replace: 'return slope' },
    ],
    [
      'weights of positives are ignored in backward',
      'bceWithLogits',
      'logitsGrad',
      { find: ' - positive * t', replace: ' - t' },
    ],
    [
      'a weight repeats at the wrong place',
      'bceWithLogits',
      'output',
      { find: '% params.weightExtent0', replace: '% (params.weightExtent0 + 1u)' },
    ],
    [
      'exp may overflow',
      'bceWithLogits',
      'output',
      { find: 'log1p(exp(-abs(x))) + max(-x, 0.0)', replace: 'log(1.0 + exp(-x))' },
    ],
    ['a term of the series is left out', 'bceWithLogits', 'output', { find: '1.0 / 7.0 +', replace: '' }],
  ],
});

describe('no rows', () => {
  const nothing: Readonly<Record<Reduction, number[]>> = { mean: [Number.NaN], sum: [0], none: [] };
  for (const [reduction, expected] of Object.entries(nothing) as [Reduction, number[]][]) {
    gpuTest(`${reduction} is ${expected.join() || 'empty'}, and so are the gradients`, async () => {
      const losses: Record<string, (input: Tensor) => Tensor> = {
        crossEntropy: (input) => crossEntropy(input, labelsOf(gpu, [0], 3), { reduction }),
        smoothed: (input) => crossEntropy(input, labelsOf(gpu, [0], 3), { reduction, labelSmoothing: 0.1 }),
        nllLoss: (input) => nllLoss(input, labelsOf(gpu, [0], 3), { reduction }),
        mse: (input) => mse(input, Tensor.zeros(gpu, [0, 3]), { reduction }),
        bceWithLogits: (input) =>
          bceWithLogits(input, Tensor.zeros(gpu, [0, 3]), { reduction, posWeight: Tensor.zeros(gpu, [3]) }),
      };
      for (const [name, loss] of Object.entries(losses)) {
        const input = leaf(gpu, [0, 3]);
        const output = loss(input);
        expect(output.shape.length > 0, name).toBe(reduction === 'none');
        expect([...(await output.data())], name).toEqual(expected);
        backward(output, Tensor.zeros(gpu, output.shape));
        expect(input.grad!.shape, name).toEqual([0, 3]);
      }
    });
  }

  gpuTest('and no positions are as no rows', async () => {
    expect(await crossEntropy(leaf(gpu, [2, 3, 0]), labelsOf(gpu, [2, 0], 3)).item()).toBeNaN();
  });

  gpuTest('countCorrect counts 0', async () => {
    expect(await countCorrect(Tensor.zeros(gpu, [0, 3]), labelsOf(gpu, [0], 3)).item()).toBe(0);
    expect(() => countCorrect(Tensor.zeros(gpu, [2, 0]), labelsOf(gpu, [2], 3))).toThrow(
      'countCorrect: logits must have a class, got [2, 0].',
    );
  });
});

describe('more than one workgroup can sum', () => {
  const shape = [300_001];
  const values = Float32Array.from({ length: shape[0]! }, (_, i) => Math.fround(Math.sin(i)));
  const truth = values.reduce((sum, value) => sum + value * value, 0);

  for (const kind of ['cpu', 'gpu'] as const) {
    gpuTest(`as on a ${kind.toUpperCase()} adapter`, async () => {
      const device = await openAs({ kind });
      const [input, target] = [Tensor.from(device, values), Tensor.zeros(device, shape)];
      const sum = await mse(input, target, { reduction: 'sum' }).item();
      expect(Math.abs(sum / truth - 1)).toBeLessThan(3e-7);
      expect(await mse(input, target).item()).toBeCloseTo(truth / shape[0]!, 6);
      // Each row has −value for a loss.
      const logs = Tensor.from(device, values, [shape[0]!, 1]);
      const labels = Tensor.from(device, new Uint32Array(shape[0]!));
      const mean = values.reduce((total, value) => total - value, 0) / shape[0]!;
      expect(await nllLoss(logs, labels).item()).toBeCloseTo(mean, 8);
      const uniform = crossEntropy(Tensor.zeros(device, [100_000, 2]), Tensor.from(device, new Uint32Array(100_000)));
      expect(await uniform.item()).toBeCloseTo(Math.LN2, 6);
    });
  }
});

describe('crossEntropy', () => {
  gpuTest('of a label beyond the classes is NaN in its row alone', async () => {
    for (const [shape, options] of [
      [[3, 2], { reduction: 'none' }],
      [[1, 2, 3], { reduction: 'none', ignoreIndex: 5, labelSmoothing: 0.1 }],
    ] as [number[], CrossEntropyOptions][]) {
      const logits = leaf(gpu, shape);
      const labels = Tensor.from(gpu, Uint32Array.of(0, 2, 1), shape.length === 2 ? [3] : [1, 3]);
      const losses = crossEntropy(logits, labels, options);
      expect([...(await losses.data())].map(Number.isNaN)).toEqual([false, true, false]);
      backward(losses, Tensor.from(gpu, new Float32Array(3).fill(1), losses.shape));
      const wrong = [...(await logits.grad!.data())].map(Number.isNaN);
      expect(wrong.filter(Boolean)).toHaveLength(2);
      expect(shape.length === 2 ? wrong.slice(2, 4) : [wrong[1], wrong[4]]).toEqual([true, true]);
      expect(await crossEntropy(logits, labels, { ...options, reduction: 'sum' }).item()).toBeNaN();
    }
  });

  gpuTest('with options that change nothing is the plain mean', async () => {
    const logits = leaf(gpu, [9, 5]);
    const labels = labelsOf(gpu, [9], 5);
    const weight = Tensor.from(gpu, new Float32Array(5).fill(1));
    const plain = await crossEntropy(logits, labels, { labelSmoothing: 0, weight: undefined }).item();
    expect(await crossEntropy(logits, labels, { weight, ignoreIndex: 9 }).item()).toBeCloseTo(plain, 6);
  });

  gpuTest('ignores 0xffffffff only if told', async () => {
    const labels = Tensor.from(gpu, Uint32Array.of(0, 0xffffffff), [2]);
    expect(await crossEntropy(leaf(gpu, [2, 3]), labels, { reduction: 'sum' }).item()).toBeNaN();
    expect(await crossEntropy(leaf(gpu, [2, 3]), labels, { ignoreIndex: 0xffffffff }).item()).toBeGreaterThan(0);
  });
});

describe('what does not fit is refused', () => {
  const logits = (...shape: number[]) => Tensor.zeros(gpu, shape);
  const labels = (...shape: number[]) => labelsOf(gpu, shape, 2);
  const learnt = (...shape: number[]) => leaf(gpu, shape);
  const refused: [new (...args: never[]) => Error, string, () => unknown][] = [
    [
      ShapeError,
      'crossEntropy: labels must have shape [2, 4], got [2].',
      () => crossEntropy(logits(2, 3, 4), labels(2)),
    ],
    [ShapeError, 'nllLoss: logProbabilities must have shape [N, C], got [3].', () => nllLoss(logits(3), labels())],
    [
      ShapeError,
      'crossEntropy: weight must have shape [3], got [2].',
      () => crossEntropy(logits(2, 3), labels(2), { weight: logits(2) }),
    ],
    [
      GraphError,
      'crossEntropy: weight requires a gradient, which this op does not compute. Pass its detach().',
      () => crossEntropy(logits(2, 3), labels(2), { weight: learnt(3) }),
    ],
    [
      OptionError,
      'crossEntropy: ignoreIndex must be a whole number from 0 to 4294967295, got -100.',
      () => crossEntropy(logits(2, 3), labels(2), { ignoreIndex: -100 }),
    ],
    [
      OptionError,
      'crossEntropy: labelSmoothing must be a number from 0 to 1, got 1.5.',
      () => crossEntropy(logits(2, 3), labels(2), { labelSmoothing: 1.5 }),
    ],
    [
      OptionError,
      'crossEntropy: reduction must be mean or sum or none, got "max".',
      () => crossEntropy(logits(2, 3), labels(2), untyped({ reduction: 'max' })),
    ],
    [
      OptionError,
      'nllLoss: option labelSmoothing is not implemented.',
      () => nllLoss(logits(2, 3), labels(2), untyped({ labelSmoothing: 0.1 })),
    ],
    [DTypeError, 'nllLoss: labels must hold u32 values, got f32.', () => nllLoss(logits(2, 3), untyped(logits(2)))],
    [ShapeError, 'mse: target must have shape [2, 3], got [3].', () => mse(logits(2, 3), logits(3))],
    [DTypeError, 'mse: target must hold f32 values, got u32.', () => mse(logits(2), untyped(labels(2)))],
    [
      ShapeError,
      'bceWithLogits: target must have shape [2, 3], got [2, 1].',
      () => bceWithLogits(logits(2, 3), logits(2, 1)),
    ],
    [
      ShapeError,
      'bceWithLogits: posWeight [2, 2, 3] must broadcast to the logits [2, 3].',
      () => bceWithLogits(logits(2, 3), logits(2, 3), { posWeight: logits(2, 2, 3) }),
    ],
    [
      GraphError,
      'bceWithLogits: posWeight requires a gradient',
      () => bceWithLogits(logits(2, 3), logits(2, 3), { posWeight: learnt(3) }),
    ],
    [
      ShapeError,
      'bceWithLogits: logits must have at most 8 dimensions, got [1, 1, 1, 1, 1, 1, 1, 1, 1]. Reshape them.',
      () => bceWithLogits(logits(1, 1, 1, 1, 1, 1, 1, 1, 1), logits(1)),
    ],
  ];
  for (const [type, message, call] of refused) {
    gpuTest(message, () => {
      expect(call).toThrow(type);
      expect(call).toThrow(message);
    });
  }
});
