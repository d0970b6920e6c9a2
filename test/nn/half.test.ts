/** A network in half precision: its scores compared with f32, its state, its memory, and its errors. */
import { describe, expect } from 'vitest';
import { fromHalf, toHalf } from '../../src/autograd/half.ts';
import { DTypeError, noGrad, Tensor, toDType } from '../../src/autograd/index.ts';
import { MissingFeatureError } from '../../src/gpu/errors.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { resnet18 } from '../../src/models/index.ts';
import { BatchNorm2d, Conv2d, Linear, MaxPool2d, Sequential } from '../../src/nn/index.ts';
import { SGD } from '../../src/optim/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { EXACT, expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({ half: true, poisoned: true });

function images(on: Gpu, count: number, side: number): Tensor {
  const pixels = new Float32Array(count * 3 * side * side);
  new Generator(3).fillNormal(pixels, 0, 1);
  return Tensor.from(on, pixels, [count, 3, side, side]);
}

/** A small network of the layers that f16 supports. */
function small(on: Gpu) {
  const random = new Generator(1);
  const conv = new Conv2d(on, 3, 7, { kernelSize: 3, padding: 1, bias: false, random });
  const depthwise = new Conv2d(on, 7, 7, { kernelSize: 3, padding: 2, dilation: 2, groups: 7, bias: false, random });
  const withBias = new Conv2d(on, 7, 5, { kernelSize: 3, random });
  return new Sequential(
    conv,
    new BatchNorm2d(on, 7),
    depthwise,
    new BatchNorm2d(on, 7),
    new MaxPool2d({ kernelSize: 2 }),
    withBias,
    new BatchNorm2d(on, 5),
  );
}

/** ‖a − b‖ / ‖b‖ */
function relativeL2(a: Float32Array, b: Float32Array): number {
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  return norm(a.map((value, i) => value - b[i]!)) / norm(b);
}

const run = (model: { call(input: Tensor): Tensor }, input: Tensor) => noGrad(() => model.call(input));

describe('a ResNet', () => {
  gpuTest(
    'takes f32 images, gives f32 scores close to those of f32 storage, and frees half the memory of its weights',
    async () => {
      const model = resnet18(gpu, { classes: 5, random: new Generator(0) }).eval();
      const input = images(gpu, 3, 33);
      const single = await run(model, input).data();
      const before = gpu.pool.liveBytes;
      const weights = Array.from(model.namedParameters()).filter(([name]) =>
        /conv\d\.weight|\.0\.weight|fc\.weight/.test(name),
      );
      const bytes = weights.reduce((sum, [, { storage }]) => sum + storage.bytes, 0);
      // Data that convolutions derived from the f32 weights is freed with them.
      expect(model.half()).toBe(model);
      expect(gpu.pool.liveBytes).toBeLessThanOrEqual(before - bytes / 2);
      for (const [name, { dtype, requiresGrad }] of model.namedParameters()) {
        expect([name, dtype, requiresGrad]).toEqual([
          name,
          weights.some(([one]) => one === name) ? 'f16' : 'f32',
          false,
        ]);
      }
      const scores = run(model, input);
      expect(scores.dtype).toBe('f32');
      // Each of 20 layers rounds its output by 2⁻¹² of itself on average, and its weights by as much. Together: √40 of
      // it.
      const error = relativeL2(await scores.data(), single);
      expect(error).toBeLessThan(5e-3);
      expect(error).toBeGreaterThan(1e-5);
      // Images may be f16 already: f32 images are rounded to the same values.
      expect(await run(model, toDType(input, 'f16')).data()).toEqual(await scores.data());
      model.dispose();
    },
  );

  gpuTest('exports and loads a state dict in f32', async () => {
    const model = resnet18(gpu, { classes: 5, random: new Generator(0) }).eval();
    const state = await model.exportState();
    const stored = await model.half().exportState();
    expect([...stored.keys()]).toEqual([...state.keys()]);
    for (const [name, { data, dtype }] of stored) {
      const expected = state.get(name)!;
      const halved = /conv\d\.weight|downsample\.0\.weight|fc\.weight/.test(name);
      expect([name, dtype]).toEqual([name, expected.dtype]);
      const values = halved ? fromHalf(toHalf(expected.data)).subarray(0, data.length) : expected.data;
      expectClose(name, data, values, EXACT);
    }
    const other = resnet18(gpu, { classes: 5, init: 'skip' }).half();
    other.loadStateDict(state);
    const input = images(gpu, 1, 32);
    expect(await run(other, input).data()).toEqual(await run(model, input).data());
    model.dispose();
    other.dispose();
  });
});

describe('any module', () => {
  gpuTest('takes f16 input, and gives f16 values close to those in f32', async () => {
    const model = small(gpu).eval();
    const input = images(gpu, 2, 11);
    const single = await run(model, input).data();
    model.half();
    const output = run(model, toDType(input, 'f16'));
    expect(output.dtype).toBe('f16');
    expect(relativeL2(await output.data(), single)).toBeLessThan(2e-3);
  });

  gpuTest('stays in evaluation mode after half(), and a second half() changes nothing', async () => {
    const model = small(gpu);
    model.half();
    const [weight] = model.parameters();
    model.half();
    expect(model.parameters()[0]).toBe(weight);
    expect(model.training).toBe(false);
    expect(model.eval().training).toBe(false);
  });

  gpuTest('frees its f16 weights and the f32 weights before them', () => {
    const before = gpu.pool.liveBytes;
    small(gpu).half().dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });
});

describe('errors', () => {
  gpuTest('training is refused, for the module and for a module around it', () => {
    const model = small(gpu);
    model.half();
    expect(() => model.train()).toThrow(DTypeError);
    expect(() => model.train()).toThrow('train(): the weights are stored in f16, which is for inference.');
    const around = new Sequential(new MaxPool2d({ kernelSize: 2 }), model);
    expect(() => around.train()).toThrow('train(): the weights of 1 are stored in f16');
    expect(model.training).toBe(false);
    expect(() => model.freeze(false)).toThrow(DTypeError);
  });

  gpuTest('f32 input is refused, and so is an f32 layer put into an f16 ResNet', () => {
    expect(() => run(small(gpu).half(), images(gpu, 1, 11))).toThrow(
      'conv2d: weight must hold f32 values as input does',
    );
    const model = resnet18(gpu, { classes: 5, init: 'skip' }).half();
    model.fc = new Linear(gpu, 512, 3, { init: 'skip' });
    expect(() => run(model, images(gpu, 1, 32))).toThrow('linear: weight must hold f16 values as input does, got f32.');
    model.dispose();
  });

  gpuTest('an optimizer whose weights were replaced is refused: it would train nothing', () => {
    const model = small(gpu);
    const sgd = new SGD(model.parameters(), { lr: 0.1 });
    model.half();
    expect(() => sgd.step()).toThrow(/SGD: parameter 0 .* was disposed/);
  });
});

describe('on a device without half precision', async () => {
  const { gpuTest: plainTest, gpu: plain } = await withGpu();

  plainTest('nothing changes, and the call throws', () => {
    const model = small(plain);
    expect(() => model.half()).toThrow(MissingFeatureError);
    expect(model.parameters().every(({ dtype, disposed }) => dtype === 'f32' && !disposed)).toBe(true);
    expect(model.train().training).toBe(true);
  });
});
