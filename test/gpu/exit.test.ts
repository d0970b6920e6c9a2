/** A program that closes its device exits by itself, without process.exit() and without a crash. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { withGpu } from '../support/gpu.ts';

const { gpuTest } = await withGpu();

gpuTest('a program that closes its device exits by itself', async () => {
  const script = fileURLToPath(new URL('exit-script.ts', import.meta.url));
  const result = await new Promise<{ code: number | string | null; signal: unknown; stdout: string }>((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', script], { timeout: 50_000 }, (error, stdout) => {
      resolve({ code: error?.code ?? 0, signal: error?.signal ?? null, stdout });
    });
  });
  expect(result).toEqual({ code: 0, signal: null, stdout: 'values 0 2\n' });
});
