/** The claim of a whole test run applies to every device, and so to the choice of kernels. */
import { describe, expect, test } from 'vitest';
import { conv2d, scope, Tensor } from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { adapterClass } from '../../src/kernels/adapter-class.ts';
import { chooserOf } from '../../src/kernels/chooser.ts';
import { claimedTraits } from './claimed-traits.ts';
import { openAs, ownTraits, withGpu } from './gpu.ts';

const { gpuTest, gpu } = await withGpu();

describe('a device of the tests', () => {
  gpuTest('has the traits that the test claims, else those that the run claims, else its own', async () => {
    const traits = { ...(await ownTraits()), ...claimedTraits(process.env) };
    const opened = await openGpu();
    opened.close();
    expect(gpu.traits).toEqual(traits);
    expect(opened.traits).toEqual(traits);
    for (const kind of ['cpu', 'gpu'] as const) expect((await openAs({ kind })).traits).toEqual({ ...traits, kind });
  });

  gpuTest('claims no larger subgroups than it has', async () => {
    const { subgroupSize } = await ownTraits();
    const claimed = await openAs({ subgroupSize: 1024 });
    expect(claimed.traits.subgroupSize).toBe(subgroupSize || 1024);
    expect((await openAs({ subgroupSize: 0 })).traits.subgroupSize).toBe(0);
  });

  gpuTest('convolves with the kernels for that kind', () => {
    scope(() => {
      conv2d(Tensor.zeros(gpu, [1, 1, 4, 4]), Tensor.zeros(gpu, [1, 1, 3, 3]));
    });
    const forGpus = gpu.traits.kind === 'gpu';
    expect(Object.values(chooserOf(gpu).choices).map((variant) => variant === 'tiled')).toEqual([forGpus]);
  });
});

describe('DAWNGRAD_TEST_AS', () => {
  test('is a kind of adapter that the tables know, or empty', () => {
    expect(claimedTraits({})).toBeUndefined();
    expect(claimedTraits({ DAWNGRAD_TEST_AS: '' })).toBeUndefined();
    expect(claimedTraits({ DAWNGRAD_TEST_AS: 'gpu' })).toMatchObject({ kind: 'gpu' });
    const names = { vendor: 'mesa', architecture: 'software', description: 'llvmpipe' };
    expect(adapterClass({ kind: 'cpu', ...names, ...claimedTraits({ DAWNGRAD_TEST_AS: 'gpu' }) })).toBe('discrete');
    expect(claimedTraits({ DAWNGRAD_TEST_AS: 'cpu' })).toEqual({ kind: 'cpu' });
    expect(() => claimedTraits({ DAWNGRAD_TEST_AS: 'tiled' })).toThrow('"tiled"; it can be "gpu" or "cpu"');
  });
});
