/** Ops on f16 tensors: their values, the errors of unsupported uses, and planted errors that the tests must see. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  add,
  backward,
  batchNorm2d,
  conv2d,
  countCorrect,
  crossEntropy,
  DTypeError,
  flatten,
  globalAvgPool2d,
  linear,
  maxPool2d,
  noGrad,
  relu,
  Tensor,
  toDType,
} from '../../../src/autograd/index.ts';
import { conv2dBatchNorm2d } from '../../../src/autograd/ops/conv2d-batch-norm2d.ts';
import { MissingFeatureError } from '../../../src/gpu/errors.ts';
import type { Gpu } from '../../../src/gpu/gpu.ts';
import { findDifference } from '../../support/compare.ts';
import { forceConv2dVariant } from '../../support/force.ts';
import { openAs, openTampered, type ShaderEdit, withGpu } from '../../support/gpu.ts';
import { untyped } from '../../support/untyped.ts';
import { titleOf } from './golden.ts';
import { halfCases, halfDifference, rounded, STORED } from './half-cases.ts';

const { gpuTest, gpu } = await withGpu({ half: true, poisoned: true });

const casesOf = (op: string) => halfCases.filter((one) => one.op === op);

describe.each(Object.keys(STORED))('%s', (op) => {
  for (const one of casesOf(op)) {
    gpuTest(`${titleOf(one)}: gives the f32 result, rounded`, async () => {
      const before = gpu.pool.liveBytes;
      expect(await halfDifference(gpu, gpu, one)).toBeUndefined();
      expect(gpu.pool.liveBytes).toBe(before);
    });
  }
});

describe.each(['batchNorm2d', 'maxPool2d'])('%s as on', (op) => {
  gpuTest('a GPU', async () => {
    const other = await openAs({ kind: 'gpu' }, { half: true });
    for (const one of casesOf(op)) expect(await halfDifference(gpu, other, one), titleOf(one)).toBeUndefined();
  });
});

describe('the plain convolution', () => {
  beforeAll(() => forceConv2dVariant('reference'));
  afterAll(() => forceConv2dVariant(undefined));

  for (const op of ['conv2d', 'conv2dBatchNorm2d']) {
    gpuTest(`stores f16: ${op}`, async () => {
      const names: string[] = [];
      gpu.onDispatch = ({ program }) => names.push(program.name);
      for (const one of casesOf(op)) expect(await halfDifference(gpu, gpu, one), titleOf(one)).toBeUndefined();
      gpu.onDispatch = undefined;
      expect(names).toContain(`conv2d_reference_half${op === 'conv2d' ? '' : '_normalised'}`);
      expect(names.filter((name) => /conv2d_(tiled|rows)|winograd/.test(name))).toEqual([]);
    });
  }

  gpuTest('is seen when it leaves out a tap', async () => {
    const edit = { find: 'tapColumn < params.kernelWidth', replace: 'tapColumn + 1u < params.kernelWidth' };
    const tampered = await openTampered(edit, {}, { half: true });
    expect(await halfDifference(gpu, tampered, casesOf('conv2d')[3]!)).toMatch('differs in');
  });
});

/** Values of both signs, from f16's smallest normal value to its largest. */
const spread = (count: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + 1) * 2 ** ((i % 29) - 13));

async function convertedDifference(on: Gpu, count: number): Promise<string | undefined> {
  const values = spread(count);
  const half = toDType(Tensor.from(on, values, [count]), 'f16');
  const back = await toDType(half, 'f32').data();
  const [stored, expected] = [await half.data(), rounded(values)];
  half.dispose();
  // WGSL leaves the rounding to the driver, which may take the farther neighbour, at most 2⁻¹⁰ away. Converting back is
  // exact.
  const tolerance = { atol: 2 ** -24, rtol: 2 ** -10 };
  return findDifference(stored, expected, tolerance) ?? findDifference(back, stored, { atol: 0, rtol: 0 });
}

describe('toDType', () => {
  // One element, odd counts, whole vectors, more than a workgroup.
  for (const count of [1, 2, 3, 7, 8, 63, 513, 1028, 4099, 8196]) {
    gpuTest(`converts ${count} values there and back`, async () => {
      expect(await convertedDifference(gpu, count)).toBeUndefined();
    });
  }

  gpuTest('converts as on a GPU', async () => {
    const other = await openAs({ kind: 'gpu' }, { half: true });
    for (const count of [1, 3, 513, 1028]) expect(await convertedDifference(other, count)).toBeUndefined();
  });

  gpuTest('keeps all values that f16 has, including zeros, infinities and NaN', async () => {
    const values = Float32Array.of(0, -0, 1, -1, 65504, -65504, 2 ** -14, 0.333251953125, Infinity, -Infinity, NaN);
    const half = toDType(Tensor.from(gpu, values, [values.length]), 'f16');
    expect(await half.data()).toEqual(values);
    expect(new Float32Array(await half.readback().get())).toEqual(values);
    expect(await half.view([values.length, 1]).data()).toEqual(values);
  });

  gpuTest('gives a view if the type stays the same', async () => {
    const tensor = Tensor.from(gpu, Float32Array.of(1, 2, 3), [3]);
    expect(toDType(tensor, 'f32').storage).toBe(tensor.storage);
    const half = toDType(tensor, 'f16');
    expect(toDType(half, 'f16').storage).toBe(half.storage);
  });

  gpuTest('gives tensors of two bytes an element, in whole words', () => {
    expect(Tensor.empty(gpu, [5], 'f16').storage.bytes).toBe(12);
    expect(Tensor.empty(gpu, [1, 4], 'f16').storage.bytes).toBe(8);
  });

  gpuTest('set() rounds, and takes an odd count', async () => {
    const half = Tensor.empty(gpu, [3], 'f16');
    half.set(Float32Array.of(1, 2049, 1e9));
    expect([...(await half.data())]).toEqual([1, 2048, Infinity]);
  });
});

describe('an error in a shader is seen', () => {
  const PLANTED: readonly [what: string, op: string, edit: ShaderEdit][] = [
    ['a pixel is left out', 'globalAvgPool2d', { find: 'var i = start;', replace: 'var i = start + 1u;' }],
    [
      'the maximum is taken of f32 words',
      'maxPool2d',
      { find: /Stored\(best0\.value\)/, replace: 'Stored(0.5 * best0.value)' },
    ],
    ['the last column is not written', 'maxPool2d', { find: 'if (x + 1u < params.outWidth)', replace: 'if (false)' }],
    [
      'weights are rounded to integers',
      'linear',
      { find: 'vec4<f32>(weights)', replace: 'vec4<f32>(vec4<i32>(weights))' },
    ],
    [
      'the rest of a row is left out',
      'linear',
      { find: '+= f32(input[x + i]) * f32(weight[w + i])', replace: '+= 0.0' },
    ],
    ['the bias is left out', 'linear', { find: ' + bias[o]', replace: '' }],
    ['the residual is left out', 'batchNorm2d', { find: ' + Value(residual[i])', replace: '' }],
    ['the shift is left out', 'batchNorm2d', { find: 'mean, scale, shift)', replace: 'mean, scale, 0.0)' }],
    [
      'the tile of weights is shifted',
      'conv2d',
      { find: '+ row) * params.depths + depth', replace: '+ row) * params.depths + depth + 4u' },
    ],
    ['the input is doubled', 'conv2d', { find: '(0.0, f32(input', replace: '(0.0, 2.0 * f32(input' }],
    [
      'the bias has the wrong sign',
      'conv2d',
      { find: 'f32(output[place]) + shift', replace: 'f32(output[place]) - shift' },
    ],
    ['the residual is left out', 'conv2dBatchNorm2d', { find: ' + f32(residual[place])', replace: '' }],
    ['the mean is not subtracted', 'conv2dBatchNorm2d', { find: '(value - norm.x)', replace: '(value)' }],
  ];
  for (const [what, op, edit] of PLANTED) {
    gpuTest(`${op}: ${what}`, async () => {
      const tampered = await openTampered(edit, {}, { half: true });
      let found: string | undefined;
      for (const one of casesOf(op)) found ??= await halfDifference(gpu, tampered, one);
      expect(found).toMatch('differs in');
    });
  }

  gpuTest('toDType: the last value is left out', async () => {
    const tampered = await openTampered(
      { find: 'i < params.count', replace: 'i + 1u < params.count' },
      {},
      { half: true },
    );
    expect(await convertedDifference(tampered, 7)).toMatch('at 6: NaN');
  });
});

describe('an unsupported use of f16 throws an error that names op, tensor and types', () => {
  const single = (...shape: number[]) => Tensor.zeros(gpu, shape);
  const half = (...shape: number[]) => noGrad(() => toDType(single(...shape), 'f16'));
  const learning = (...shape: number[]) => Object.assign(single(...shape), { requiresGrad: true });
  const labels = () => Tensor.from(gpu, Uint32Array.of(0, 1), [2]);
  const vectors = () => [single(3), single(3), single(3), single(3)] as const;
  const norm = () => ({ weight: single(3), bias: single(3), runningMean: single(3), runningVar: single(3) });
  const mixed = 'Convert one of them with toDType, or all weights of a network with its half().';
  const inference = 'got f16, which is for inference. Use f32, or evaluation mode and noGrad().';

  const refused: [message: string, run: () => unknown][] = [
    [
      `conv2d: weight must hold f16 values as input does, got f32. ${mixed}`,
      () => conv2d(half(1, 2, 5, 5), single(3, 2, 3, 3)),
    ],
    [
      `conv2d: weight must hold f32 values as input does, got f16. ${mixed}`,
      () => conv2d(single(1, 2, 5, 5), half(3, 2, 3, 3)),
    ],
    ['conv2d: bias must hold f32 values, got f16.', () => conv2d(half(1, 2, 5, 5), half(3, 2, 3, 3), half(3))],
    [
      `conv2d: input must hold f32 values where a gradient is required, ${inference}`,
      () => conv2d(half(1, 2, 5, 5), half(3, 2, 3, 3), learning(3)),
    ],
    [
      `batchNorm2d: input must hold f32 values in training, ${inference}`,
      () => batchNorm2d(half(2, 3, 4, 4), ...vectors(), { training: true }),
    ],
    [
      `batchNorm2d: residual must hold f16 values as input does, got f32. ${mixed}`,
      () => batchNorm2d(half(2, 3, 4, 4), ...vectors(), { training: false, residual: single(2, 3, 4, 4) }),
    ],
    [
      'batchNorm2d: weight must hold f32 values, got f16.',
      () => batchNorm2d(half(2, 3, 4, 4), half(3), single(3), single(3), single(3), { training: false }),
    ],
    [
      `batchNorm2d: input must hold f32 values where a gradient is required, ${inference}`,
      () => batchNorm2d(half(2, 3, 4, 4), learning(3), single(3), single(3), single(3), { training: false }),
    ],
    [
      `batchNorm2d: residual must hold f16 values as input does, got f32. ${mixed}`,
      () =>
        conv2dBatchNorm2d(half(1, 2, 5, 5), half(3, 2, 3, 3), norm(), {
          training: false,
          residual: single(1, 3, 3, 3),
        }),
    ],
    [
      `batchNorm2d: input must hold f32 values in training, ${inference}`,
      () => conv2dBatchNorm2d(half(1, 2, 5, 5), half(3, 2, 3, 3), norm(), { training: true }),
    ],
    [`linear: weight must hold f16 values as input does, got f32. ${mixed}`, () => linear(half(2, 4), single(3, 4))],
    ['linear: bias must hold f32 values, got f16.', () => linear(half(2, 4), half(3, 4), half(3))],
    [
      'maxPool2d: input must hold f32 values, got u32.',
      () => maxPool2d(untyped(labels().view([1, 1, 1, 2])), { kernelSize: 1 }),
    ],
    [
      'globalAvgPool2d: input must hold f32 values, got u32.',
      () => globalAvgPool2d(untyped(labels().view([1, 1, 1, 2]))),
    ],
    ['relu: x must hold f32 values, got f16.', () => relu(half(3))],
    ['add: b must hold f32 values, got f16.', () => add(single(3), half(3))],
    ['crossEntropy: logits must hold f32 values, got f16.', () => crossEntropy(half(2, 3), labels())],
    ['countCorrect: logits must hold f32 values, got f16.', () => countCorrect(half(2, 3), labels())],
    [
      'requiresGrad: a tensor that requires a gradient must hold f32 values, got f16.',
      () => Object.assign(half(3), { requiresGrad: true }),
    ],
    [
      'toDType: f16 has no gradients, and input requires one. Convert within noGrad().',
      () => toDType(learning(3), 'f16'),
    ],
    ['toDType: input must hold f32 or f16 values, got u32.', () => toDType(untyped(labels()), 'f16')],
    ['backward: seed must hold f32 values, got f16.', () => backward(relu(learning(3)), half(3))],
  ];
  for (const [message, run] of refused) {
    gpuTest(message, () => {
      expect(run).toThrow(DTypeError);
      expect(run).toThrow(message);
    });
  }

  gpuTest('flatten accepts f16', async () => {
    expect([...(await flatten(half(2, 3, 1, 1)).data())]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('a device opened without half precision', async () => {
  const { gpuTest: plainTest, gpu: plain } = await withGpu();

  plainTest('has no f16, and its error says what to do', () => {
    expect(plain.traits.shaderF16).toBe(false);
    expect(plain.device.features.has('shader-f16')).toBe(false);
    const convert = () => toDType(Tensor.zeros(plain, [3]), 'f16');
    expect(convert).toThrow(MissingFeatureError);
    expect(convert).toThrow('open it with openGpu({ half: true })');
  });
});
