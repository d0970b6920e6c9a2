/**
 * Bounds the pixels that several threads decode at once. The memory is shared: the first element counts the free
 * pixels, each other one those that a thread holds.
 */
import { DawngradError } from '../errors.ts';

const FREE = 0;
/** While it waits, a thread looks this often whether its pool was closed. */
const LOOK_MS = 200;
/** Counters are 32-bit integers. */
const MOST = 2 ** 31 - 1;

/** @internal Made by the pool; each thread makes its own view of the same memory. */
export class PixelBudget {
  readonly memory: Int32Array<SharedArrayBuffer>;
  readonly total: number;
  readonly #slot: number;
  readonly #stop: Int32Array | undefined;

  /** @param thread the one that takes and releases by this view; @param stop not 0 once the pool is closed */
  constructor(memory: Int32Array<SharedArrayBuffer>, total: number, thread: number, stop?: Int32Array) {
    this.memory = memory;
    this.total = total;
    this.#slot = thread + 1;
    this.#stop = stop;
  }

  /** The shared memory for a number of threads, and the pixels that they may hold together. */
  static create(pixels: number, threads: number): { memory: Int32Array<SharedArrayBuffer>; total: number } {
    const memory = new Int32Array(new SharedArrayBuffer((threads + 1) * 4));
    const total = Math.min(pixels, MOST);
    memory[FREE] = total;
    return { memory, total };
  }

  /**
   * Takes pixels in addition to none, and blocks this thread until they are free. More than all of them means all.
   * @throws DawngradError if the pool is closed meanwhile
   */
  take(pixels: number): void {
    const needed = Math.min(pixels, this.total);
    for (;;) {
      const free = Atomics.load(this.memory, FREE);
      if (free < needed) {
        if (this.#stop && Atomics.load(this.#stop, 0) !== 0)
          throw new DawngradError('The decoder threads were closed.');
        Atomics.wait(this.memory, FREE, free, LOOK_MS);
      } else if (Atomics.compareExchange(this.memory, FREE, free, free - needed) === free) {
        Atomics.store(this.memory, this.#slot, needed);
        return;
      }
    }
  }

  /** Gives back all that this thread holds. The pool calls it for a thread that died. */
  release(): void {
    const held = Atomics.exchange(this.memory, this.#slot, 0);
    if (held === 0) return;
    Atomics.add(this.memory, FREE, held);
    Atomics.notify(this.memory, FREE);
  }
}
