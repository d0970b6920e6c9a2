/** The command `convert`: its output on stdout and stderr, and its exit status. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../src/cli/convert.ts';
import { readCheckpoint } from '../../src/weights/index.ts';
import { GOLDEN, makeFolder } from './helpers.ts';

const folder = makeFolder();
let out = '';
let err = '';

beforeEach(() => {
  out = '';
  err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    err += String(chunk);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

test('converts a .pth to safetensors, and safetensors to safetensors', async () => {
  const first = join(folder, 'first.safetensors');
  expect(await main([join(GOLDEN, 'training.pth'), first])).toBe(0);
  expect(out).toMatch(/first\.safetensors: 8 tensors, 68 parameters and 7 batch-norm statistics, \d+ bytes\n$/);
  const second = join(folder, 'second.SAFETENSORS');
  expect(await main([first, second])).toBe(0);
  expect(readCheckpoint(second).metadata).toEqual({ format: 'pt', epoch: '12', arch: 'tiny', best: '0.5' });
  expect(err).toBe('');
});

test('lists the dtypes that became float32', async () => {
  expect(await main([join(GOLDEN, 'dtypes.pth'), join(folder, 'dtypes.safetensors')])).toBe(0);
  expect(out).toContain('(BF16, BOOL, F16, F64, I16, I32, I8, U8 became F32)');
});

test.each([[['--help']], [['-h']]])('%s prints the usage', async (argv) => {
  expect(await main(argv)).toBe(0);
  expect(out).toContain('Usage: npm run convert -- <input> <output.safetensors>');
});

test.each<[string[], RegExp]>([
  [[], /expected two paths.*found 0/],
  [['a.pth'], /found 1/],
  [['a.pth', 'b.safetensors', 'c'], /found 3/],
  [['a.pth', 'b.pth'], /b\.pth: only safetensors are written/],
  [['a.pth', 'b'], /only safetensors/],
  [['--fast', 'a.pth', 'b.safetensors'], /--fast/],
])('%j is wrong usage', async (argv, found) => {
  expect(await main(argv)).toBe(2);
  expect(err).toMatch(found);
  expect(err).toContain('--help');
  expect(out).toBe('');
});

test('writes no output if a file is missing or invalid', async () => {
  const output = join(folder, 'none.safetensors');
  expect(await main([join(folder, 'missing.pth'), output])).toBe(1);
  expect(err).toMatch(/^convert: .*missing\.pth: no such file/);
  expect(await main([join(GOLDEN, 'module.pth'), output])).toBe(1);
  expect(await main([join(GOLDEN, 'plain.pth'), join(folder, 'no', 'x.safetensors')])).toBe(1);
  expect(existsSync(output)).toBe(false);
});

test('runs as a program and returns its exit status', () => {
  const script = fileURLToPath(new URL('../../src/cli/convert.ts', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, 'a'], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toContain('convert: expected two paths');
});
