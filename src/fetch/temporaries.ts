/**
 * Temporary files and folders of the cache. They lie in it, since only within one file system a rename is atomic, and are
 * gone when their work is done, has failed, or the process exits. What a killed process has left is removed by the next.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Dirent, lstatSync, readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const NAME = /^\.dawngrad-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/** A download that makes no progress is given up long before. */
const ABANDONED_AFTER_MS = 3_600_000;

/** File times are coarser than clocks. */
const CLOCK_SLACK_MS = 2000;

const live = new Set<string>();

/** Runs `use` with a path that does not exist yet, and removes what is there afterwards, whatever happened. */
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

/** A second Ctrl-C does not wait for anything. */
function removeLive(): void {
  for (const path of live) remove(path);
}

/** Removes what processes that are no more have left in this folder. Never fails: the work at hand does not need it. */
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
  // Whoever made it: on another machine that shares the folder, in another container, or under a number used again.
  if (touched < Date.now() - ABANDONED_AFTER_MS) return true;
  if (host !== thisHost()) return false;
  // The process before this one had the same number, as in containers they all have.
  if (pid === process.pid) return touched < Date.now() - process.uptime() * 1000 - CLOCK_SLACK_MS;
  return !isRunning(pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: somebody else's, but running.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Process numbers mean something on one machine only. */
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
