/** Initial weights equal torch's with the same seed, and skipping them advances the random generator just as far. */
import { describe, expect, test } from 'vitest';
import { Tensor } from '../../src/autograd/tensor.ts';
import { resnet18 } from '../../src/models/index.ts';
import { Conv2d, type Init, kaimingNormalFanOut, Linear, type Module } from '../../src/nn/index.ts';
import { normalDraws } from '../../src/nn/init.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';
import { type Dense, golden } from './support.ts';

const { gpuTest, gpu } = await withGpu();

/**
 * For normals torch's own builds differ by up to 2e-6 at a standard deviation of 1 (vector code approximates log, cos).
 */
const NORMAL = { atol: 2e-6, rtol: 2e-6 };

function layers(init: Init): Record<string, Module> {
  return {
    conv: new Conv2d(gpu, 3, 5, { kernelSize: [3, 2], ...init }),
    conv_no_bias: new Conv2d(gpu, 4, 6, { kernelSize: 3, bias: false, ...init }),
    linear: new Linear(gpu, 10, 4, init),
    linear_no_bias: new Linear(gpu, 7, 3, { bias: false, ...init }),
  };
}

const grouped = (init: Init) => new Conv2d(gpu, 4, 6, { kernelSize: 3, groups: 2, dilation: 2, ...init });

describe('a layer', () => {
  const expected = golden<Record<string, Dense>>('layers');

  gpuTest('draws torch’s weights bit for bit, and normals to torch’s own precision', async () => {
    const random = new Generator(0);
    const check = async (name: string, layer: Module) => {
      for (const [key, entry] of await layer.exportState()) {
        const dense = expected[`${name}.${key}`]!;
        expect(entry.shape, `${name}.${key}`).toEqual(dense.shape);
        expect(entry.data, `${name}.${key}`).toEqual(Float32Array.from(dense.data));
      }
      layer.dispose();
    };
    for (const [name, layer] of Object.entries(layers({ random }))) await check(name, layer);
    for (const name of ['kaiming_normal', 'kaiming_normal_few']) {
      const weight = Tensor.zeros(gpu, expected[name]!.shape);
      kaimingNormalFanOut(weight, { random });
      expectClose(name, await weight.data(), expected[name]!.data, NORMAL);
      weight.dispose();
    }
    await check('conv_groups', grouped({ random }));
    expect([...random.fillUniform(new Float32Array(3))]).toEqual([...Float32Array.from(expected.next!.data)]);
  });

  gpuTest('skips as many draws as it would make, and starts at zero', async () => {
    const random = new Generator(0);
    const init: Init = { random, init: 'skip' };
    for (const layer of Object.values(layers(init))) {
      for (const entry of (await layer.exportState()).values())
        expect(entry.data.every((value) => value === 0)).toBe(true);
      layer.dispose();
    }
    for (const name of ['kaiming_normal', 'kaiming_normal_few']) {
      const weight = Tensor.zeros(gpu, expected[name]!.shape);
      kaimingNormalFanOut(weight, init);
      expect((await weight.data()).every((value) => value === 0)).toBe(true);
      weight.dispose();
    }
    grouped(init).dispose();
    expect([...random.fillUniform(new Float32Array(3))]).toEqual([...Float32Array.from(expected.next!.data)]);
  });

  gpuTest('needs no random source if it draws nothing', () => {
    for (const layer of Object.values(layers({ init: 'skip' }))) layer.dispose();
  });

  test('normals come in blocks of sixteen, and the last sixteen are drawn anew', () => {
    expect([16, 17, 32, 90].map(normalDraws)).toEqual([16, 33, 32, 106]);
    expect(() => normalDraws(15)).toThrow(/in pairs/);
    for (const size of [16, 17, 90]) {
      const random = new Generator(1);
      random.fillNormal(new Float32Array(size));
      expect(normalDraws(size)).toBe(random.drawn);
    }
  });
});

describe('resnet18', () => {
  interface Golden {
    weights: Record<string, number[]>;
    'fc.weight': Dense;
    'fc.bias': Dense;
  }
  const expected = golden<Golden>('resnet18-seed0');
  const DRAWS = 22_846_824;

  gpuTest('draws torchvision’s weights for seed 0, and then those of a new last layer', async () => {
    const random = new Generator(0);
    const model = resnet18(gpu, { random });
    expect(random.drawn).toBe(DRAWS);
    const exported = await model.exportState();
    for (const [name, ends] of Object.entries(expected.weights)) {
      const { data } = exported.get(name)!;
      expectClose(name, [...data.slice(0, 3), ...data.slice(-3)], ends, NORMAL);
    }
    expect([...exported.get('fc.weight')!.data.slice(0, 3)]).toEqual([
      ...Float32Array.from(expected.weights['fc.weight']!.slice(0, 3)),
    ]);
    for (const name of ['bn1', 'layer4.0.downsample.1']) {
      expect(new Set(exported.get(`${name}.weight`)!.data)).toEqual(new Set([1]));
      expect(new Set(exported.get(`${name}.bias`)!.data)).toEqual(new Set([0]));
      expect(new Set(exported.get(`${name}.running_mean`)!.data)).toEqual(new Set([0]));
      expect(new Set(exported.get(`${name}.running_var`)!.data)).toEqual(new Set([1]));
    }
    const after = random.clone();
    expect([after.u32(), after.u32(), after.u32()]).toEqual([1961030488, 1714818006, 1959277849]);

    model.fc = new Linear(gpu, model.featureSize, 2, { random });
    const fc = await model.fc.exportState();
    expect(fc.get('weight')!.data[0]).toBe(0.03416436165571213);
    expect([...fc.get('bias')!.data]).toEqual([0.007372379302978516, 0.009145934134721756]);
    expect(fc.get('weight')!.data).toEqual(Float32Array.from(expected['fc.weight'].data));
    expect(fc.get('bias')!.data).toEqual(Float32Array.from(expected['fc.bias'].data));
    model.dispose();
  });

  gpuTest('skips to the same state of the generator', () => {
    const random = new Generator(0);
    resnet18(gpu, { random, init: 'skip' }).dispose();
    expect(random.drawn).toBe(DRAWS);
    expect(random.u32()).toBe(1961030488);
  });
});
