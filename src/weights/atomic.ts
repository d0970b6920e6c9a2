/**
 * Writes a file whole or not at all: writes a temporary file beside it, flushes it to disk, then renames it over the
 * target. A crash, a full disk or a kill leaves the old file unchanged.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asFileError } from './file.ts';

/** One write call takes at most 2^31 − 1 bytes. */
const LARGEST_WRITE = 2 ** 30;

/** Smaller chunks are written together: a network has hundreds of tensors, most of them small. */
const WRITTEN_AT_ONCE = 2 ** 23;

/**
 * Writes the file whole or not at all.
 * @param path replaced if it exists; its folder must exist
 * @param chunks written one after the other; a generator avoids a second copy of the data
 * @returns bytes written
 * @throws FileError if it cannot be written; errors of `chunks`. The temporary file is removed in either case
 */
export function writeFileAtomic(path: string, chunks: Iterable<Uint8Array>): number {
  const folder = dirname(path);
  // In the same folder: a rename across file systems is not atomic. The name's length does not depend on the target's.
  const temporary = temporaryIn(folder);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(temporary, 'wx');
    let total = 0;
    for (const chunk of together(chunks)) total += writeWhole(descriptor, chunk);
    // Without this the rename can reach the disk before the data.
    fsyncSync(descriptor);
    closeSync(descriptor);
    descriptor = undefined;
    renameSync(temporary, path);
    flushFolder(folder);
    return total;
  } catch (error) {
    discard(temporary, descriptor);
    throw asFileError(path, 'written', error);
  }
}

/** Where a file is written before it has its name, as `sweepTemporaries` knows it. */
export function temporaryIn(folder: string): string {
  return join(folder, `.dawngrad-${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
}

/**
 * Removes what killed processes left in a folder while they wrote. The files of other processes that run stay; this
 * one must not be writing there. What may not be removed stays: it takes room and does no harm.
 */
export function sweepTemporaries(folder: string): void {
  for (const name of readdirSync(folder)) {
    const [, pid] = /^\.dawngrad-(\d+)-[0-9a-f]{12}\.tmp$/.exec(name) ?? [];
    if (pid === undefined) continue;
    // A restarted container gives its processes the numbers that they had before.
    if (Number(pid) === process.pid || !isAlive(Number(pid))) discard(join(folder, name));
  }
}

/** Whether a process of this machine has this number; also the process itself. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The same bytes in fewer chunks. Each is valid until the next one is taken. */
function* together(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  const waiting = new Uint8Array(WRITTEN_AT_ONCE);
  let filled = 0;
  for (const chunk of chunks) {
    if (filled + chunk.byteLength > waiting.byteLength) {
      yield waiting.subarray(0, filled);
      filled = 0;
    }
    if (chunk.byteLength > waiting.byteLength) {
      yield chunk;
    } else {
      waiting.set(chunk, filled);
      filled += chunk.byteLength;
    }
  }
  yield waiting.subarray(0, filled);
}

/** A write may take only part of the bytes, on a pipe or a nearly full disk. */
function writeWhole(descriptor: number, chunk: Uint8Array): number {
  let done = 0;
  while (done < chunk.byteLength) {
    done += writeSync(descriptor, chunk, done, Math.min(chunk.byteLength - done, LARGEST_WRITE));
  }
  return done;
}

/** Makes the rename itself durable where possible. Windows cannot open a folder, but the data is safe there anyway. */
function flushFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Best effort.
  }
}

/** Cleans up without hiding the original error. */
function discard(temporary: string, descriptor?: number): void {
  try {
    if (descriptor !== undefined) closeSync(descriptor);
    rmSync(temporary, { force: true });
  } catch {
    // Report the first error.
  }
}
