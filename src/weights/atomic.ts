/**
 * Writing a file whole or not at all: into a temporary file beside it, flushed to disk, then renamed over the target. A
 * crash, a full disk or a kill leaves the old file as it was.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asFileError } from './file.ts';

/** One write call may not take more than 2^31 − 1 bytes. */
const LARGEST_WRITE = 2 ** 30;

/**
 * @param path replaced if it exists; its folder must exist
 * @param chunks written one after the other; may be a generator, so that no second copy of the data is needed
 * @returns bytes written
 * @throws FileError if it cannot be written; whatever `chunks` throws is passed on. The temporary file is gone either way
 */
export function writeFileAtomic(path: string, chunks: Iterable<Uint8Array>): number {
  const folder = dirname(path);
  // In the same folder, since a rename across file systems is not atomic. The name does not grow with the target's.
  const temporary = join(folder, `.dawngrad-${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(temporary, 'wx');
    let total = 0;
    for (const chunk of chunks) total += writeWhole(descriptor, chunk);
    // Without this the rename can reach the disk before the data does.
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

/** A write may take only part of the bytes, on a pipe or a nearly full disk. */
function writeWhole(descriptor: number, chunk: Uint8Array): number {
  let done = 0;
  while (done < chunk.byteLength) {
    done += writeSync(descriptor, chunk, done, Math.min(chunk.byteLength - done, LARGEST_WRITE));
  }
  return done;
}

/** Makes the rename itself durable where the system can; Windows cannot open a folder, and the data is safe without. */
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

/** Cleans up without hiding the error that led here. */
function discard(temporary: string, descriptor: number | undefined): void {
  try {
    if (descriptor !== undefined) closeSync(descriptor);
    rmSync(temporary, { force: true });
  } catch {
    // The first error is the one to report.
  }
}
