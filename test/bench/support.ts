/** Shared by the tests of bench/: traits of adapters for recording, a scratch folder, and a command in this process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Io } from '../../src/cli/program.ts';
import type { AdapterTraits } from '../../src/gpu/gpu.ts';

const shared = {
  ...{ maxWorkgroupStorage: 32768, maxInvocations: 1024, shaderF16: false },
  ...{ vendor: '', architecture: '', description: '' },
};

export const CPU: AdapterTraits = { kind: 'cpu', subgroupSize: 8, ...shared };
export const GPU: AdapterTraits = { kind: 'gpu', subgroupSize: 32, ...shared };

/** A folder that is removed after the file's last test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dawngrad-bench-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function call(main: (io: Io) => Promise<number>, env: NodeJS.ProcessEnv = {}) {
  let [stdout, stderr] = ['', ''];
  const status = await main({
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env,
  });
  return { status, stdout, stderr };
}
