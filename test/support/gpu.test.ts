/** Without an adapter, tests skip and say why, and test files still load. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { NoAdapterError } from '../../src/gpu/errors.ts';
import { withGpu } from './gpu.ts';
import { skipUnless } from './skip.ts';

vi.mock('../../src/gpu/dawn.ts', () => ({
  openGpu: () => Promise.reject(new NoAdapterError('No adapter here.')),
}));

describe('without an adapter', () => {
  test('the device can be named, but not used', async () => {
    const { gpu } = await withGpu();
    const message = 'This test needs a device and is not a gpuTest. No adapter here.';
    expect(() => gpu.pool).toThrow(message);
    expect(() => gpu.flush()).toThrow(message);
    expect(() => Object.assign(gpu, { traits: {} })).toThrow(message);
    expect(() => ({ ...gpu })).toThrow(message);
  });

  const linuxTest = skipUnless(process.platform === 'linux', 'only Vulkan can be told that it has no drivers');
  for (const noSkip of [false, true]) {
    linuxTest(
      `a file of GPU tests ${noSkip ? 'fails under DAWNGRAD_NO_SKIP=1' : 'skips'}, with the reason`,
      async () => {
        const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
        const nowhere = { VK_DRIVER_FILES: '/nowhere', VK_ICD_FILENAMES: '/nowhere' };
        const env = { ...process.env, ...nowhere, DAWNGRAD_NO_SKIP: noSkip ? '1' : '' };
        const args = [vitest, 'run', 'test/kernels/conv2d/cpu/packing.test.ts', '--reporter=json'];
        const [code, stdout] = await new Promise<[unknown, string]>((resolve) => {
          execFile(process.execPath, args, { env, timeout: 50_000 }, (error, out) => resolve([error?.code ?? 0, out]));
        });
        const report = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
          numPassedTests: number;
          testResults: { assertionResults: { title: string; status: string; failureMessages: string[] }[] }[];
        };
        const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
        expect(tests.length).toBeGreaterThan(3);
        expect(report.numPassedTests).toBe(0);
        expect(code).toBe(noSkip ? 1 : 0);
        for (const { title, status, failureMessages } of tests) {
          expect(status).toBe(noSkip ? 'failed' : 'skipped');
          expect(noSkip ? failureMessages.join() : title).toMatch('No WebGPU adapter was found');
        }
      },
    );
  }
});
