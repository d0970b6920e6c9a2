/** What a whole run of the tests claims reaches every device, whoever opens it, and so the choice of kernels. */
import { describe, expect, test, vi } from 'vitest';
import { conv2d, scope, Tensor } from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { claimedTraits } from './claimed-traits.ts';
import { openAs, withGpu } from './gpu.ts';

const { gpuTest, gpu } = await withGpu();

describe('a device of the tests', () => {
  gpuTest('is what the run claims, or what a test claims, and else what it is', async () => {
    const unclaimed = await vi.importActual<typeof import('../../src/gpu/dawn.ts')>('../../src/gpu/dawn.ts');
    const [plain, opened] = [await unclaimed.openGpu(), await openGpu()];
    const traits = { ...plain.traits, ...claimedTraits(process.env) };
    for (const one of [plain, opened]) one.close();
    expect(gpu.traits).toEqual(traits);
    expect(opened.traits).toEqual(traits);
    for (const kind of ['cpu', 'gpu'] as const) expect((await openAs({ kind })).traits).toEqual({ ...traits, kind });
  });

  gpuTest('convolves by the kernels of that kind', () => {
    scope(() => {
      conv2d(Tensor.zeros(gpu, [1, 1, 4, 4]), Tensor.zeros(gpu, [1, 1, 3, 3]));
    });
    const forGpus = gpu.traits.kind === 'gpu';
    expect(Object.values(gpu.choices).map((variant) => variant === 'tiled')).toEqual([forGpus]);
  });
});

describe('DAWNGRAD_TEST_AS', () => {
  test('is a kind of adapter, or nothing', () => {
    expect(claimedTraits({})).toBeUndefined();
    expect(claimedTraits({ DAWNGRAD_TEST_AS: '' })).toBeUndefined();
    expect(claimedTraits({ DAWNGRAD_TEST_AS: 'gpu' })).toEqual({ kind: 'gpu' });
    expect(claimedTraits({ DAWNGRAD_TEST_AS: 'cpu' })).toEqual({ kind: 'cpu' });
    expect(() => claimedTraits({ DAWNGRAD_TEST_AS: 'tiled' })).toThrow('"tiled"; it can be "gpu" or "cpu"');
  });
});
