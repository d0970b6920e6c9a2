/** `npm run doctor` as a program. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { folderSize } from '../../src/cli/doctor/host.ts';
import type { Diagnosis } from '../../src/cli/doctor/types.ts';
import { withGpu } from '../support/gpu.ts';
import { skipUnless } from '../support/skip.ts';
import { temporaryFolder } from '../train/support.ts';

const { gpuTest } = await withGpu();
const linuxTest = skipUnless(process.platform === 'linux', 'only Vulkan can be told that it has no drivers');
const folder = temporaryFolder();

interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function doctor(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const script = fileURLToPath(new URL('../../src/cli/doctor.ts', import.meta.url));
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 50_000 };
    execFile(process.execPath, ['--import', 'tsx', script, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

gpuTest('an adapter that computes correctly gives all findings as JSON, and status 0', async () => {
  const cache = join(folder, 'cache');
  mkdirSync(join(cache, 'inner'), { recursive: true });
  writeFileSync(join(cache, 'inner', 'file'), 'x'.repeat(1000));
  writeFileSync(join(cache, 'other'), 'x'.repeat(24));
  const { code, stdout, stderr } = await doctor(['--json'], { DAWNGRAD_CACHE: cache });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { good, probe, host } = JSON.parse(stdout) as Diagnosis;
  expect(good).toBe(true);
  expect(probe.check).toMatchObject({ wrong: 0, firstWrong: null });
  expect(probe.answers.map(({ asked }) => asked)).toEqual(['high-performance', 'low-power', 'software']);
  expect(probe.answers[0]?.found).toMatchObject({
    description: probe.traits?.description,
    backend: expect.any(String),
  });
  expect(host.caches[0]).toEqual({ what: 'downloads', path: cache, bytes: 1024 });
  expect(host.versions).toMatchObject({
    node: process.versions.node,
    dawngrad: expect.stringMatching(/^\d+\.\d+\.\d+/),
  });
});

linuxTest('without an adapter it names the cause, and status is 1', async () => {
  const nowhere = join(folder, 'nowhere.json');
  const { code, stdout } = await doctor([], { VK_DRIVER_FILES: nowhere, VK_ICD_FILENAMES: nowhere });
  expect(code).toBe(1);
  expect(stdout).toContain('No WebGPU adapter answers.\n');
  expect(stdout).toContain(
    `What to do:\n  VK_DRIVER_FILES=${nowhere} makes the Vulkan loader ignore every driver but that one`,
  );
});

test('wrong usage gives status 2, and help gives status 0', async () => {
  const [wrong, unknown, help] = await Promise.all([
    doctor(['--adapter', 'fast']),
    doctor(['now']),
    doctor(['--help']),
  ]);
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--adapter: expected high-performance') });
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(help).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Usage: /) });
});

test('a missing folder has no size', () => {
  expect(folderSize(join(folder, 'none'))).toBeUndefined();
});
