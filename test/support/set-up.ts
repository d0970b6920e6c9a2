/**
 * Runs before each test file (see vitest.config.ts). With DAWNGRAD_TEST_AS=gpu every device opened in this process
 * claims to be a GPU, so that all ops run the kernels for GPUs on any adapter. A test's own claim (`openAs`) takes
 * precedence. Commands that tests spawn see the real traits.
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
