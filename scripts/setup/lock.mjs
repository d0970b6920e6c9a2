// @ts-check
/**
 * Allows one set-up at a time per checkout, because two `npm ci` in one folder delete each other's files. The lock is a
 * folder, because making one is atomic. It is outside node_modules, which `npm ci` deletes.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetupError, say } from './say.mjs';

const STALE_MS = 30 * 60_000;
const POLL_MS = 500;

/**
 * @template T
 * @param {string} root
 * @param {() => T} work synchronous
 * @returns {T}
 */
export function withLock(root, work) {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16);
  return withLockFolder(join(tmpdir(), `dawngrad-setup-${name}`), work);
}

/**
 * @template T
 * @param {string} folder
 * @param {() => T} work
 * @returns {T}
 */
export function withLockFolder(folder, work) {
  let waiting = false;
  while (!take(folder)) {
    if (isStale(folder)) {
      rmSync(folder, { recursive: true, force: true });
      continue;
    }
    if (!waiting) say(`another set-up of this checkout is running; waiting for it (lock: ${folder})`);
    waiting = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  // An interrupted set-up must remove its lock. The lock of a killed one is found stale by its process id.
  const interrupted = () => process.exit(130);
  process.once('SIGINT', interrupted);
  const release = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', release);
  try {
    return work();
  } finally {
    release();
    process.off('exit', release);
    process.off('SIGINT', interrupted);
  }
}

/** @param {string} folder */
function take(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw new SetupError(`cannot make the lock folder ${folder}: ${error instanceof Error ? error.message : error}`);
  }
  writeFileSync(join(folder, 'pid'), String(process.pid));
  return true;
}

/**
 * Whether the owner is gone, or has held the lock for longer than any set-up takes.
 * @param {string} folder
 */
function isStale(folder) {
  try {
    const age = Date.now() - statSync(folder).mtimeMs;
    if (age > STALE_MS) return true;
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    return pid > 0 && !isAlive(pid);
  } catch {
    // Released in the meantime, or just made and without a process id yet.
    return false;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
