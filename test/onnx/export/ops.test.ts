/** Every op that the export knows: a small function of it, run by ONNX Runtime on another batch than it was recorded on. */
import { describe, expect, test } from 'vitest';
import * as autograd from '../../../src/autograd/index.ts';
import {
  adaptiveAvgPool2d,
  argmax,
  argmin,
  avgPool2d,
  batchNorm2d,
  concat,
  conv2d,
  dropout,
  embedding,
  expand,
  gelu,
  globalAvgPool2d,
  groupNorm,
  indexSelect,
  layerNorm,
  linear,
  matmul,
  maxPool2d,
  narrow,
  noGrad,
  pad,
  scope,
  stack,
  stochasticDepth,
  Tensor,
  where,
} from '../../../src/autograd/index.ts';
import { exportOnnx } from '../../../src/onnx/export/export.ts';
import { OPS } from '../../../src/onnx/export/ops/index.ts';
import { FOLDED } from '../../../src/onnx/export/ops/normalisations.ts';
import { Generator } from '../../../src/random/mt19937.ts';
import { withGpu } from '../../support/gpu.ts';
import { hasOnnxruntime, NO_ONNXRUNTIME, runOnnx } from '../../support/onnxruntime.ts';
import { describeUnless } from '../../support/skip.ts';

const { gpu, gpuTest } = await withGpu();
const BATCH = 4;

/** Values that no kink is close to. */
const random = new Generator(3);
const draw = (shape: readonly number[]) => {
  const values = random.fillUniform(new Float32Array(autograd.sizeOf(shape)), 0.1, 1.5);
  return values.map((value, i) => (i % 3 === 0 ? -value : value));
};
const made = new Map<string, Tensor>();
/** The same tensor for each call of a function, as parameters are. */
function constant(key: string, shape: readonly number[]): Tensor {
  const known = made.get(key);
  if (known) return known;
  const tensor = autograd.keep(Tensor.from(gpu, draw(shape), shape));
  made.set(key, tensor);
  return tensor;
}
const indices = (...values: number[]) => Tensor.from(gpu, Uint32Array.from(values));
const positive = (key: string, shape: readonly number[]) => constant(key, shape).abs();

type Case = readonly [what: string, shape: readonly number[], fn: (x: Tensor) => Tensor];

const IMAGES = [3, 7, 9];
const ROWS = [5, 6];

/** The first word of a title is the op's name. */
const CASES: readonly Case[] = [
  ['add of a tensor', ROWS, (x) => x.add(constant('add', [6]))],
  ['add of a number', ROWS, (x) => x.add(2)],
  ['sub from a number', ROWS, (x) => autograd.sub(1, x)],
  ['mul', ROWS, (x) => x.mul(x)],
  ['div', ROWS, (x) => x.div(3).add(autograd.div(2, x))],
  ['maximum', ROWS, (x) => x.maximum(0.5)],
  ['minimum', ROWS, (x) => x.minimum(constant('minimum', ROWS))],
  ['pow', ROWS, (x) => x.abs().pow(1.7)],
  ['neg', ROWS, (x) => x.neg()],
  ['abs', ROWS, (x) => x.abs()],
  ['exp', ROWS, (x) => x.exp()],
  ['log', ROWS, (x) => x.abs().log()],
  ['sqrt', ROWS, (x) => x.abs().sqrt()],
  ['relu', ROWS, (x) => x.relu()],
  ['relu6', ROWS, (x) => x.mul(9).relu6()],
  ['sigmoid', ROWS, (x) => x.sigmoid()],
  ['hardsigmoid', ROWS, (x) => x.mul(4).hardsigmoid()],
  ['tanh', ROWS, (x) => x.tanh()],
  ['erf', ROWS, (x) => x.erf()],
  ['silu', ROWS, (x) => x.silu()],
  ['hardswish', ROWS, (x) => x.mul(4).hardswish()],
  ['leakyRelu', ROWS, (x) => x.leakyRelu(0.2)],
  ['clamp', ROWS, (x) => x.clamp(-0.5, 0.75)],
  ['clamp below', ROWS, (x) => x.clamp(-0.5)],
  ['clamp above', ROWS, (x) => x.clamp(undefined, 0.5)],
  ['clamp of no bounds', ROWS, (x) => x.clamp()],
  ['clamp of crossed bounds', ROWS, (x) => x.clamp(0.5, -0.25)],
  ['gelu', ROWS, (x) => gelu(x)],
  ['gelu by tanh', ROWS, (x) => gelu(x, 'tanh')],
  ['where', ROWS, (x) => where(x.gt(0.5), x, -Infinity).maximum(-3)],
  ['where of a table', ROWS, (x) => where(Tensor.from(gpu, Uint32Array.of(1, 0, 2, 0, 1, 0)), x, 0)],
  ['eq', ROWS, (x) => where(x.eq(x.abs()), 1, x)],
  ['ne', ROWS, (x) => where(x.ne(x.abs()), 1, x)],
  ['gt', ROWS, (x) => where(x.gt(0.3), 1, x)],
  ['ge', ROWS, (x) => where(x.ge(0.3), 1, x)],
  ['lt', ROWS, (x) => where(x.lt(0.3), 1, x)],
  ['le', ROWS, (x) => where(x.le(0.3), 1, x)],
  [
    'conv2d',
    IMAGES,
    (x) => conv2d(x, constant('conv', [4, 3, 3, 2]), constant('conv b', [4]), { stride: [2, 1], padding: [1, 0] }),
  ],
  [
    'conv2d in groups, dilated',
    [4, 9, 9],
    (x) => conv2d(x, constant('conv g', [6, 2, 3, 3]), undefined, { groups: 2, dilation: [2, 1], padding: 2 }),
  ],
  ['maxPool2d', IMAGES, (x) => maxPool2d(x, { kernelSize: 3, stride: 2, padding: 1 })],
  ['maxPool2d, dilated', IMAGES, (x) => maxPool2d(x, { kernelSize: [2, 3], stride: 1, dilation: 2 })],
  ['maxPool2d up', [2, 6, 8], (x) => maxPool2d(x, { kernelSize: 3, stride: 2, ceilMode: true })],
  [
    'maxPool2d up, where a window would begin in the padding',
    [2, 4, 5],
    (x) => maxPool2d(x, { kernelSize: 2, stride: 3, padding: 1, ceilMode: true }),
  ],
  ['avgPool2d', IMAGES, (x) => avgPool2d(x, { kernelSize: 3, stride: 2, padding: 1 })],
  ['avgPool2d without padding', IMAGES, (x) => avgPool2d(x, { kernelSize: 3, padding: 1, countIncludePad: false })],
  ['avgPool2d up', [2, 6, 8], (x) => avgPool2d(x, { kernelSize: 3, stride: 2, padding: 1, ceilMode: true })],
  [
    'avgPool2d by a divisor',
    [2, 6, 8],
    (x) => avgPool2d(x, { kernelSize: 3, stride: 2, padding: 1, ceilMode: true, divisorOverride: 5 }),
  ],
  ['globalAvgPool2d', IMAGES, (x) => globalAvgPool2d(x)],
  ['adaptiveAvgPool2d', [2, 6, 8], (x) => adaptiveAvgPool2d(x, [3, 2])],
  ['adaptiveAvgPool2d, uneven', IMAGES, (x) => adaptiveAvgPool2d(x, [3, 5])],
  [
    'batchNorm2d',
    IMAGES,
    (x) => {
      const [weight, bias, mean] = ['bn w', 'bn b', 'bn m'].map((key) => constant(key, [3])) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      return batchNorm2d(x, weight, bias, mean, positive('bn v', [3]), {
        training: false,
        eps: 1e-3,
        residual: x,
        relu: true,
      });
    },
  ],
  ['layerNorm', ROWS, (x) => layerNorm(x, 6, constant('ln w', [6]), constant('ln b', [6]))],
  ['layerNorm without weights', ROWS, (x) => layerNorm(x, ROWS, undefined, undefined, { eps: 0.1 })],
  ['groupNorm', [6, 3, 5], (x) => groupNorm(x, 3, constant('gn w', [6]), constant('gn b', [6]))],
  ['softmax', ROWS, (x) => x.softmax(1)],
  ['logSoftmax', ROWS, (x) => x.logSoftmax(-1)],
  ['dropout', ROWS, (x) => dropout(x, { training: false }).mul(2)],
  ['stochasticDepth', ROWS, (x) => stochasticDepth(x, { p: 0.5, training: false })],
  ['linear', [6], (x) => linear(x, constant('linear', [3, 6]), constant('linear b', [3]))],
  ['linear of more dimensions', ROWS, (x) => linear(x, constant('linear', [3, 6]), constant('linear b', [3]))],
  ['matmul', ROWS, (x) => matmul(x, constant('matmul', [6, 2]))],
  [
    'matmul transposed',
    ROWS,
    (x) => matmul(x, x, { transposeB: true }).matmul(matmul(x, x, { transposeA: true }).narrow(1, 0, 5)),
  ],
  ['sum', ROWS, (x) => x.sum([1])],
  ['sum of all', ROWS, (x) => x.sum()],
  ['mean', ROWS, (x) => x.mean([-1, 1], { keepdim: true })],
  ['max', ROWS, (x) => x.max(2)],
  ['min over the batch', ROWS, (x) => x.min(0)],
  ['logsumexp', ROWS, (x) => x.mul(90).logsumexp(-1)],
  ['argmax', ROWS, (x) => constant('table', [6, 2]).indexSelect(0, argmax(x, 2).flatten(0))],
  ['argmin of all', ROWS, (x) => constant('long table', [120, 2]).indexSelect(0, argmin(x, undefined))],
  ['reshape', ROWS, (x) => x.reshape([-1, 10, 3])],
  ['reshape into the batch', ROWS, (x) => x.reshape([x.shape[0]! * 5, 6])],
  ['squeeze', [1, 6], (x) => x.squeeze(1)],
  ['unsqueeze', ROWS, (x) => x.unsqueeze(0)],
  ['flatten', IMAGES, (x) => x.flatten()],
  ['flatten of the middle', IMAGES, (x) => x.flatten(1, 2)],
  ['permute', IMAGES, (x) => x.permute([2, 0, 3, 1])],
  ['transpose', ROWS, (x) => x.transpose(1, 2)],
  ['flip', IMAGES, (x) => x.flip([1, 3])],
  ['expand', [1, 6], (x) => expand(x, [3, x.shape[0]!, 5, 6])],
  [
    'expand of a constant to the batch',
    [6],
    (x) => concat([expand(constant('class', [1, 6]), [x.shape[0]!, 6]), x], 1),
  ],
  ['concat', ROWS, (x) => concat([x, x.mul(2), constant('one', [1, 5, 6]).expand([x.shape[0]!, 5, 6])], 2)],
  ['concat along the batch', ROWS, (x) => concat([x, constant('one', [1, 5, 6])], 0)],
  ['stack', ROWS, (x) => stack([x, x.neg()], 1)],
  ['narrow', ROWS, (x) => narrow(x, 2, 1, 3)],
  ['narrow of the batch', ROWS, (x) => narrow(x, 0, 1, 1)],
  ['narrow to the end of the batch', ROWS, (x) => narrow(x, 0, 1, x.shape[0]! - 1)],
  ['pad', IMAGES, (x) => pad(x, [1, 2, 0, 3], { value: -7 })],
  ['pad that cuts', IMAGES, (x) => pad(x, [-1, 2, 1, -2])],
  ['pad by reflection', IMAGES, (x) => pad(x, [2, 1, 1, 0], { mode: 'reflect' })],
  ['pad by the edge', IMAGES, (x) => pad(x, [2, 1, 1, -1], { mode: 'replicate' })],
  ['pad around', IMAGES, (x) => pad(x, [2, 1, 0, 3], { mode: 'circular' })],
  ['indexSelect', ROWS, (x) => indexSelect(x, 1, indices(4, 0, 0))],
  ['embedding', [6], (x) => embedding(argmax(x, 1), constant('embedding', [6, 4]))],
];

/** Float32's rounding on both sides, in sums of up to some hundred terms. */
const ALLOWED = 2e-5;

describeUnless(hasOnnxruntime(), NO_ONNXRUNTIME)('ops in ONNX Runtime', () => {
  for (const [what, shape, fn] of CASES) {
    gpuTest(what, async () => {
      const file = await exportOnnx(fn, { inputShape: shape, gpu });
      const x = draw([BATCH, ...shape]);
      const [own] = scope(() => noGrad(() => [fn(Tensor.from(gpu, x, [BATCH, ...shape]))]));
      const found = (await runOnnx(file, { shape: [BATCH, ...shape], data: x })).get('output')!;
      expect(found.shape).toEqual(own!.shape);
      const expected = await own!.data();
      const worst = expected.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - Number(found.data[i])) / Math.max(1, Math.abs(value))),
        0,
      );
      expect(worst).toBeLessThan(ALLOWED);
    });
  }
});

describe('the table', () => {
  test('has a case for every op', () => {
    const names = new Set(CASES.map(([what]) => /^\w+/.exec(what)![0]));
    expect(Object.keys(OPS).filter((name) => name !== FOLDED && !names.has(name))).toEqual([]);
  });

  test('has every op of the library but losses and what only training does', () => {
    const isOp = (name: string, value: unknown) => typeof value === 'function' && /^[a-z]/.test(name);
    const others = [
      ...['backward', 'checkGradients', 'elementwise', 'expectDType', 'expectShape', 'graphSize', 'keep', 'noGrad'],
      ...['record', 'scope', 'sizeOf', 'wouldRecord', 'checkLabels', 'countCorrect', 'toDType'],
      ...['bceWithLogits', 'crossEntropy', 'mse', 'nllLoss'],
    ];
    const missing = Object.entries(autograd)
      .filter(([name, value]) => isOp(name, value) && !Object.hasOwn(OPS, name) && !others.includes(name))
      .map(([name]) => name);
    expect(missing).toEqual([]);
  });
});
