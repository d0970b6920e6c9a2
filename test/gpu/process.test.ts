/**
 * Opening devices changes no global and no environment variable of the process, yet lavapipe has its threads. Stderr
 * gets only the one warning that Dawn always writes.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { globals } from 'webgpu';
import { DAWNS_WARNING } from '../../src/cli/doctor/run-probe.ts';
import { BufferUsage, MapMode, ShaderStage, TextureUsage } from '../../src/gpu/flags.ts';
import { ownTraits, withGpu } from '../support/gpu.ts';
import { skipUnless } from '../support/skip.ts';
import type { Left, Scenario } from './process-script.ts';

const { gpuTest } = await withGpu();
const adapter = await ownTraits().catch(() => undefined);
const lavapipeTest = skipUnless(
  process.platform === 'linux' && /llvmpipe/.test(adapter?.description ?? ''),
  'the test counts the threads of lavapipe, and the adapter is another one',
);
const linuxTest = skipUnless(process.platform === 'linux', 'Dawn looks for Vulkan drivers on Linux only');

/** Makes Vulkan find no driver. */
const NO_DRIVER = { VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' };

function run(scenario: Scenario, changes: Record<string, string> = {}): Promise<{ left: Left; stderr: string[] }> {
  const { LP_NUM_THREADS: _, ...env } = process.env;
  const script = fileURLToPath(new URL('process-script.ts', import.meta.url));
  const options = { env: { ...env, ...changes }, timeout: 50_000 };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--import', 'tsx', script, scenario], options, (error, stdout, stderr) => {
      if (error) reject(error);
      else resolve({ left: JSON.parse(stdout) as Left, stderr: stderr.split('\n').filter((line) => line !== '') });
    });
  });
}

function expectUntouched({ before, during, after }: Left): void {
  expect(after).toEqual(before);
  expect(during).toEqual([]);
}

/** The engine gives lavapipe two threads a core, at most 32. */
const THREADS = Math.min(32, 2 * availableParallelism());

describe('opening a device', () => {
  gpuTest('leaves globals and environment unchanged', async () => {
    const { left, stderr } = await run('one device');
    expect([left.adapters.length, left.errors]).toEqual([1, []]);
    expectUntouched(left);
    expect(Object.keys(left.after.env)).not.toContain('LP_NUM_THREADS');
    expect(stderr.filter((line) => !DAWNS_WARNING.test(line))).toEqual([]);
  });

  gpuTest('leaves them unchanged with two at once, with different toggles, and with one after another', async () => {
    for (const scenario of ['two devices at once', 'one after another'] as const) {
      const { left, stderr } = await run(scenario);
      expect([scenario, left.adapters.length, left.errors]).toEqual([scenario, 2, []]);
      expectUntouched(left);
      expect(stderr.filter((line) => !DAWNS_WARNING.test(line))).toEqual([]);
    }
  });

  lavapipeTest('gives lavapipe two threads a core, for each instance of Dawn', async () => {
    expect((await run('one device')).left.driverThreads).toBe(THREADS);
    expect((await run('two devices at once')).left.driverThreads).toBe(2 * THREADS);
  });

  lavapipeTest('gives lavapipe as many threads as the environment says, and leaves the variable', async () => {
    const { left } = await run('one device', { LP_NUM_THREADS: '3' });
    expectUntouched(left);
    expect(left.after.env.LP_NUM_THREADS).toBe('3');
    expect(left.driverThreads).toBe(3);
  });

  linuxTest('leaves both unchanged when no adapter is found', async () => {
    const { left } = await run('two devices at once', NO_DRIVER);
    expect(left.errors).toEqual(['NoAdapterError', 'NoAdapterError']);
    expectUntouched(left);
  });
});

test('the flags equal those of WebGPU', () => {
  const flags = {
    GPUBufferUsage: BufferUsage,
    GPUTextureUsage: TextureUsage,
    GPUMapMode: MapMode,
    GPUShaderStage: ShaderStage,
  };
  for (const [name, own] of Object.entries(flags)) {
    const dawns = (globals as Record<string, Record<string, number>>)[name]!;
    expect([name, own]).toEqual([name, Object.fromEntries(Object.keys(own).map((flag) => [flag, dawns[flag]]))]);
  }
});
