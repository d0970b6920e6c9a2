/**
 * Reads ranges of a file. Checkpoints are large and hold tensors anywhere, so each range goes straight into its own
 * buffer: no whole-file buffer, no second copy, and a fresh buffer is always aligned for typed arrays.
 */

import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { FileError } from '../errors.ts';

/** One read call takes at most 2^31 − 1 bytes. */
const LARGEST_READ = 2 ** 30;

export class InputFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  readonly #descriptor: number;

  private constructor(path: string, size: number, descriptor: number) {
    this.path = path;
    this.size = size;
    this.#descriptor = descriptor;
  }

  /**
   * Opens `path`, passes it to `use` and always closes it.
   * @throws FileError if it is missing, unreadable or not a regular file
   */
  static use<T>(path: string, use: (file: InputFile) => T): T {
    let descriptor: number;
    let size: number;
    try {
      // Check before opening: opening a pipe without a writer would block forever.
      if (!statSync(path).isFile()) throw new FileError(`${path}: not a regular file; give the path of a checkpoint`);
      descriptor = openSync(path, 'r');
      size = fstatSync(descriptor).size;
    } catch (error) {
      throw asFileError(path, 'read', error);
    }
    try {
      return use(new InputFile(path, size, descriptor));
    } finally {
      closeSync(descriptor);
    }
  }

  /**
   * Reads a range.
   * @param what name of the range for the error, such as "zip directory"
   * @returns exactly `length` bytes from `offset`, at the start of their own buffer
   * @throws FileError if the range is not wholly inside the file
   */
  read(offset: number, length: number, what: string): Uint8Array {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
      this.fail(
        `${what} has an impossible position (offset ${offset}, ${length} bytes); the file is damaged: download or ` +
          'save it again',
      );
    }
    if (offset + length > this.size) {
      this.fail(
        `${what} needs bytes ${offset} to ${offset + length}, but the file ends at ${this.size}; it is cut off or ` +
          'damaged: download or save it again',
      );
    }
    const bytes = this.#allocate(length, what);
    let done = 0;
    while (done < length) {
      let got: number;
      try {
        got = readSync(this.#descriptor, bytes, done, Math.min(length - done, LARGEST_READ), offset + done);
      } catch (error) {
        throw asFileError(this.path, 'read', error);
      }
      if (got === 0) this.fail(`${what} ended early: the file shrank while it was read; wait until it is complete`);
      done += got;
    }
    return bytes;
  }

  /** @throws FileError that starts with this file's path */
  fail(message: string): never {
    throw new FileError(`${this.path}: ${message}`);
  }

  #allocate(length: number, what: string): Uint8Array {
    try {
      return new Uint8Array(length);
    } catch {
      return this.fail(`${what} takes ${length} bytes, more than this process can allocate; free memory`);
    }
  }
}

/** Turns an error of `node:fs` into one that starts with the path; returns our own errors unchanged. */
export function asFileError(path: string, verb: 'read' | 'written', error: unknown): Error {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (!(error instanceof Error) || code === undefined) return error instanceof Error ? error : new Error(String(error));
  if (code === 'ENOENT' && verb === 'read') return new FileError(`${path}: no such file; check the path`);
  if (code === 'ENOENT') return new FileError(`${path}: its folder does not exist; create it first`);
  if (code === 'EROFS' || NO_RIGHT.includes(code)) return withoutRight(path, verb, code, error);
  return new FileError(`${path}: cannot be ${verb} (${error.message})`, { cause: error });
}

/** Codes of a missing right. */
const NO_RIGHT: readonly string[] = ['EACCES', 'EPERM'];

/** The system's message names a temporary file, which helps nobody. */
function withoutRight(path: string, verb: 'read' | 'written', code: string, cause: Error): FileError {
  const [reason, remedy] =
    verb === 'read'
      ? ['you have no right to read it', 'change its rights']
      : code === 'EROFS'
        ? ['nothing can be written there', 'choose another place']
        : ['you have no right to write in its folder', 'choose another place, or change the rights of the folder'];
  return new FileError(`${path}: cannot be ${verb}: ${reason} (${code}); ${remedy}`, { cause });
}
