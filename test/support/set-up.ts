/**
 * Runs before each test file (see vitest.config.ts). With DAWNGRAD_TEST_AS=gpu every device that the tests or the engine
 * open in this process claims to be a GPU's, so that convolutions, batch norm, pooling and the rest run by the kernels
 * that a GPU gets, on whatever adapter is there. What a test claims itself (`openAs`) stands; commands that tests spawn
 * take the device as it is.
 */
import { vi } from 'vitest';
import { claimedTraits } from './claimed-traits.ts';

const claimed = claimedTraits(process.env);
if (claimed) {
  vi.doMock('../../src/gpu/dawn.ts', async (original) => {
    const dawn = await original<typeof import('../../src/gpu/dawn.ts')>();
    const openGpu: typeof dawn.openGpu = async (options) => {
      const gpu = await dawn.openGpu(options);
      return Object.assign(gpu, { traits: { ...gpu.traits, ...claimed } });
    };
    return { ...dawn, openGpu };
  });
}
