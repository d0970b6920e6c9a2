/** Skipped tests: their titles, their condition, and the search for a Python with PyTorch. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { skipUnless } from '../support/skip.ts';
import { readSkippedTitle, skippedTitle } from '../support/skip-title.ts';

test('a skipped title returns its name and reason, including brackets', () => {
  const title = skippedTitle('adds [2, 3]', 'needs f16 [shader-f16]');
  expect(readSkippedTitle(title)).toEqual({ name: 'adds [2, 3]', reason: 'needs f16 [shader-f16]' });
  expect(readSkippedTitle('adds [2, 3]')).toBeUndefined();
});

describe('skipUnless', () => {
  let ran = false;
  skipUnless('something', 'never')('runs the test if the condition holds', () => {
    ran = true;
  });
  test('the test above has run', () => expect(ran).toBe(true));
});

describe('findTorchPython', () => {
  let scratch = '';
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'dawngrad-python-'));
    vi.resetModules(); // the module remembers its answer for the life of the process
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(scratch, { recursive: true, force: true });
  });

  const ask = async () => (await import('../../scripts/find-python.ts')).findTorchPython();

  test('uses the Python that scripts/test.ts found', async () => {
    vi.stubEnv('DAWNGRAD_PYTHON_CHECKED', '1');
    vi.stubEnv('DAWNGRAD_PYTHON', '/some/python3');
    expect(await ask()).toBe('/some/python3');
  });

  test('does not search again if scripts/test.ts found none', async () => {
    vi.stubEnv('DAWNGRAD_PYTHON_CHECKED', '1');
    vi.stubEnv('DAWNGRAD_PYTHON', '');
    expect(await ask()).toBeUndefined();
  });

  test('tries DAWNGRAD_PYTHON first', async () => {
    const python = join(scratch, 'python');
    writeFileSync(python, '#!/bin/sh\n[ "$2" = "import torch" ]\n', { mode: 0o755 });
    vi.stubEnv('DAWNGRAD_PYTHON_CHECKED', '');
    vi.stubEnv('DAWNGRAD_PYTHON', python);
    expect(await ask()).toBe(python);
  });
});
