/** Reads a picture's file: only a regular one, as a pipe or a device may block for ever or never end. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { fsPath } from './names.ts';

/** A file is no picture, or one that this program refuses. The message has no path and no full stop. */
export class PictureError extends Error {
  override name = 'PictureError';
  /** A sentence: the remedy. Undefined for a damaged file, where it depends on the file's source. */
  readonly advice: string | undefined;

  constructor(message: string, advice?: string) {
    super(message);
    this.advice = advice;
  }
}

/** A picture has more pixels or bytes than the limits allow. */
export class TooLargeError extends PictureError {
  override name = 'TooLargeError';
}

/** The remedy for a picture of a kind that is not read. */
export const CONVERT = 'Convert it to PNG.';
/** The remedy for a picture beyond a limit. */
export const RAISE_LIMIT = 'If you trust it, raise maxPixels (--max-pixels).';

/** The error of a picture with more pixels than a limit. */
export function tooManyPixels(width: number, height: number, limit: number): TooLargeError {
  return new TooLargeError(`${width}×${height} pixels are more than the limit of ${limit}`, RAISE_LIMIT);
}

/** One read call takes at most 2^31 − 1 bytes. */
const LARGEST_READ = 2 ** 30;

/** So that opening a pipe does not wait for a writer. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** `readPictureFile` for the main thread: several can be underway at once, which helps on slow disks. */
export async function readPictureFileAsync(path: string, beforeReading: (bytes: number) => void): Promise<Buffer> {
  const name = fsPath(path);
  checkRegular(await stat(name));
  const file = await open(name, FLAGS);
  try {
    const stats = await file.stat();
    checkRegular(stats);
    beforeReading(stats.size);
    // Not to its end: that of a file of the system may never come.
    const bytes = Buffer.allocUnsafeSlow(stats.size);
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await file.read(bytes, done, Math.min(bytes.length - done, LARGEST_READ), done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  } finally {
    await file.close();
  }
}

/**
 * Reads a regular file whole.
 * @param beforeReading is told the size in bytes, and may refuse it or wait
 * @throws PictureError if it is not a regular file; errors of `node:fs`
 */
export function readPictureFile(path: string, beforeReading: (bytes: number) => void): Buffer {
  const name = fsPath(path);
  // Asked before opening, which has effects on some devices; and after it, as another file may be there by now.
  checkRegular(statSync(name));
  const descriptor = openSync(name, FLAGS);
  try {
    const stats = fstatSync(descriptor);
    checkRegular(stats);
    beforeReading(stats.size);
    const bytes = Buffer.allocUnsafeSlow(stats.size);
    let done = 0;
    while (done < bytes.length) {
      const got = readSync(descriptor, bytes, done, Math.min(bytes.length - done, LARGEST_READ), done);
      if (got === 0) break;
      done += got;
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(descriptor);
  }
}

function checkRegular(stats: Stats): void {
  if (stats.isFile()) return;
  const found = stats.isDirectory()
    ? 'a folder'
    : stats.isFIFO()
      ? 'a named pipe'
      : stats.isSocket()
        ? 'a socket'
        : 'a device';
  throw new PictureError(`expected a regular file with a picture, found ${found}`);
}
