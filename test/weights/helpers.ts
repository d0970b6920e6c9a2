/** Shared by the tests of this folder: a temporary folder, golden files, and the form of an error. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, vi } from 'vitest';
import { FileError } from '../../src/errors.ts';

export * from './build.ts';

// Some tests write thousands of small files. That can exceed the default limit of five seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

export const GOLDEN = fileURLToPath(new URL('../golden/weights/', import.meta.url));

/** Makes a temporary folder. It is removed after the last test of the calling file. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dawngrad-weights-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function golden(name: string): Buffer {
  return readFileSync(join(GOLDEN, name));
}

/** Writes `bytes` to a file. @returns its path */
export function put(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Fails unless `run` throws a FileError that starts with the path and matches `found`. */
export function expectFileError(run: () => unknown, path: string, found: RegExp = /./): void {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(FileError);
  const { message } = thrown as FileError;
  expect(message.startsWith(`${path}: `), message).toBe(true);
  expect(message).toMatch(found);
}

/** @returns whether `run` throws a FileError. Any other error is passed on and fails the test. */
export function failsCleanly(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof FileError) return true;
    throw error;
  }
}
