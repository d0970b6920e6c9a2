/**
 * Limits of what a checkpoint may cost, as multiples of its size. A file comes from anyone: views, repeated values and
 * compression make a few bytes stand for gigabytes, and running out of memory cannot be caught.
 */

/** Weights hardly compress, and tied weights are stored twice at most. More means a bomb. */
const MULTIPLE = 8;
/** Lets small files be shaped freely. */
const FREE_BYTES = 2 ** 20;

/** Entries of a checkpoint. The largest public models have a tenth of that in one file. */
export const MOST_TENSORS = 2 ** 17;

/** Characters of all plain values and class names read from beside the tensors. */
export const MOST_METADATA = 2 ** 20;

/**
 * The most bytes that a file of this size may become: unpacked and gathered values in memory together, and the tensors
 * that `convert` writes.
 */
export function mostBytes(fileSize: number): number {
  return FREE_BYTES + MULTIPLE * fileSize;
}

/** The limit in words, for messages. */
export const LIMIT_TEXT = `${MULTIPLE} times the file's size and ${FREE_BYTES} bytes`;

/** Counts down what a file may still cost. */
export class Budget {
  #left: number;

  constructor(fileSize: number) {
    this.#left = mostBytes(fileSize);
  }

  /** @returns whether that many bytes were left */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }
}
