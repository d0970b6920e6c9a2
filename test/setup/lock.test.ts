/** The lock of set-up: it is held during the work, released after it, and taken over if it is stale. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLockFolder } from '../../scripts/setup/lock.mjs';

let scratch = '';
let folder = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'dawngrad-lock-'));
  folder = join(scratch, 'lock');
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

test('the lock is held during the work and released after it, even if the work fails', () => {
  expect(withLockFolder(folder, () => existsSync(folder))).toBe(true);
  expect(existsSync(folder)).toBe(false);
  expect(() =>
    withLockFolder(folder, () => {
      throw new Error('planted');
    }),
  ).toThrow('planted');
  expect(existsSync(folder)).toBe(false);
});

test('a lock whose owner has died is taken over', () => {
  mkdirSync(folder);
  const dead = spawnSync(process.execPath, ['-e', 'process.stdout.write(String(process.pid))'], { encoding: 'utf8' });
  writeFileSync(join(folder, 'pid'), dead.stdout);
  expect(withLockFolder(folder, () => 'done')).toBe('done');
});

test('a lock older than any set-up takes is taken over', () => {
  mkdirSync(folder);
  writeFileSync(join(folder, 'pid'), String(process.pid));
  const anHourAgo = Date.now() / 1000 - 3600;
  utimesSync(folder, anHourAgo, anHourAgo);
  expect(withLockFolder(folder, () => 'done')).toBe('done');
});

test('a lock that cannot be made is an error, not an endless wait', () => {
  expect(() => withLockFolder(join(scratch, 'missing', 'lock'), () => {})).toThrow(/cannot make the lock folder/);
});
