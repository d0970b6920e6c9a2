/** The adapter probe of set-up: how it interprets its child process, and when it reuses a remembered answer. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adapterFacts, readProbe, rememberAdapter, rememberedAdapter } from '../../scripts/setup/adapter.mjs';

const INFO = { vendor: 'mesa', architecture: 'software', device: 'llvmpipe', description: 'llvmpipe: Mesa 25' };

describe('readProbe', () => {
  const child = { stdout: '', stderr: '', status: 0, signal: null };

  test('accepts an answer even if the child crashed on exit or its driver wrote to stdout', () => {
    const stdout = `a driver says hello\n${JSON.stringify({ found: true, info: INFO })}\n`;
    expect(readProbe({ ...child, stdout, status: null, signal: 'SIGSEGV' })).toEqual({ found: true, info: INFO });
  });

  test('a crash without an answer is reported with the last lines of stderr', () => {
    const result = readProbe({ ...child, stderr: 'one\ntwo\n', status: null, signal: 'SIGSEGV' });
    expect(result).toEqual({ found: false, reason: expect.stringMatching(/ended by SIGSEGV:\none\ntwo$/) });
  });

  test('an exit status, a failed start and an answer cut short are reported too', () => {
    expect(readProbe({ ...child, status: 134 })).toHaveProperty('reason', expect.stringContaining('status 134'));
    expect(readProbe({ ...child, status: null, error: 'spawn ETIMEDOUT' })).toHaveProperty(
      'reason',
      expect.stringContaining('ETIMEDOUT'),
    );
    expect(readProbe({ ...child, stdout: '{"found":tr', status: 1 })).toMatchObject({ found: false });
  });
});

describe('the remembered adapter', () => {
  let root = '';
  let manifest = '';
  let env: NodeJS.ProcessEnv = {};

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dawngrad-adapter-'));
    mkdirSync(join(root, 'node_modules', 'webgpu'), { recursive: true });
    writeFileSync(join(root, 'node_modules', 'webgpu', 'package.json'), '{"version":"1.0.0"}');
    manifest = join(root, 'share', 'vulkan', 'icd.d', 'some_icd.json');
    mkdirSync(join(root, 'share', 'vulkan', 'icd.d'), { recursive: true });
    writeFileSync(manifest, '{}');
    env = { XDG_DATA_HOME: join(root, 'share') };
    rememberAdapter(root, adapterFacts(root, env), INFO);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const remembered = (environment = env) => rememberedAdapter(root, adapterFacts(root, environment));

  test('is used while nothing changes', () => {
    expect(remembered()).toEqual(INFO);
  });
  test('is forgotten when a driver changes or is removed', () => {
    writeFileSync(manifest, '{"changed":true}');
    expect(remembered()).toBeUndefined();
    rmSync(manifest);
    expect(remembered()).toBeUndefined();
  });
  test('is forgotten with another webgpu package', () => {
    writeFileSync(join(root, 'node_modules', 'webgpu', 'package.json'), '{"version":"2.0.0"}');
    expect(remembered()).toBeUndefined();
  });
  test('is forgotten when a variable points the Vulkan loader elsewhere', () => {
    expect(remembered({ ...env, VK_DRIVER_FILES: '/nowhere.json' })).toBeUndefined();
    expect(remembered({ ...env, VK_ICD_FILENAMES: '' })).toBeUndefined();
  });
  test('is forgotten when its file is broken', () => {
    writeFileSync(join(root, 'node_modules', '.cache', 'dawngrad', 'adapter.json'), '{');
    expect(remembered()).toBeUndefined();
  });
});
