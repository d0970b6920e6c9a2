/**
 * Temporary files and folders of the cache. They lie in the cache because a rename is atomic only within one file
 * system. They are removed when their work is done or fails, or when the process exits. The next run removes those of a
 * killed process.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Dirent, lstatSync, readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const NAME = /^\.dawngrad-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/** A download without progress fails long before this. */
const ABANDONED_AFTER_MS = 3_600_000;

/** File times are coarser than clocks. */
const CLOCK_SLACK_MS = 2000;

const live = new Set<string>();

/** Runs `use` with a path that does not exist yet, and removes the path afterwards, whatever happens. */
export async function withTemporary<T>(folder: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, `.dawngrad-${thisHost()}-${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  if (live.size === 0) process.on('exit', removeLive);
  live.add(path);
  try {
    return await use(path);
  } finally {
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    live.delete(path);
    if (live.size === 0) process.off('exit', removeLive);
  }
}

/** Runs on exit, because a second Ctrl-C does not wait for the cleanup above. */
function removeLive(): void {
  for (const path of live) remove(path);
}

/** Removes what ended processes left in this folder. Never fails, because the caller does not depend on it. */
export function removeLeftovers(folder: string): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const { name } of entries) {
    const match = NAME.exec(name);
    const path = join(folder, name);
    if (match && !live.has(path) && isAbandoned(path, match[1]!, Number(match[2]))) remove(path);
  }
}

function isAbandoned(path: string, host: string, pid: number): boolean {
  const touched = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (touched === undefined) return false;
  // Its process may be on another machine that shares the folder, in another container, or have a reused number.
  if (touched < Date.now() - ABANDONED_AFTER_MS) return true;
  if (host !== thisHost()) return false;
  // An earlier process had the same number, as is usual in containers.
  if (pid === process.pid) return touched < Date.now() - process.uptime() * 1000 - CLOCK_SLACK_MS;
  return !isRunning(pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process runs but belongs to another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Identifies this machine: process numbers are meaningful on one machine only. */
function thisHost(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Best effort; the next run tries again.
  }
}
