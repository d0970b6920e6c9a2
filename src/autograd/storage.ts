/**
 * Reference-counted device memory. A training step makes hundreds of megabytes of activations, so whoever needs a buffer
 * says so: a tensor holds one reference to its storage, a graph one for each activation that backward will read. With the
 * last reference the buffer goes back to the pool.
 */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';

let made = 0;

export class Storage {
  readonly gpu: Gpu;
  readonly bytes: number;
  /** Counts up with every storage that is made. */
  readonly serial = made++;
  #buffer: PooledBuffer | undefined;
  #references = 1;
  #onFree: (() => void)[] = [];

  constructor(gpu: Gpu, bytes: number) {
    this.gpu = gpu;
    this.bytes = bytes;
    this.#buffer = gpu.pool.acquire(bytes);
  }

  /** Storages made so far: the serial of the next one. */
  static get made(): number {
    return made;
  }

  /** The buffer. Throws if every owner has let go of it. */
  get buffer(): PooledBuffer {
    if (!this.#buffer) throw new Error('This storage was freed: its memory may already hold something else.');
    return this.#buffer;
  }

  /** Raised whenever the content is replaced. What was derived from it (packed weights) is right until then. */
  get version(): number {
    return this.buffer.version;
  }

  /** True while only one owner refers to it, so that it may be changed in place. */
  get exclusive(): boolean {
    return this.#references === 1;
  }

  get freed(): boolean {
    return this.#buffer === undefined;
  }

  /** Says that the content was replaced by other means than a `Gpu`, which notices by itself. */
  markChanged(): void {
    this.buffer.version++;
  }

  retain(): this {
    if (!this.#buffer) throw new Error('A storage that was freed cannot be used again.');
    this.#references++;
    return this;
  }

  release(): void {
    if (!this.#buffer) throw new Error('A storage was released more often than it was retained.');
    if (--this.#references > 0) return;
    this.gpu.pool.release(this.#buffer);
    this.#buffer = undefined;
    for (const callback of this.#onFree) callback();
    this.#onFree = [];
  }

  /** Calls back when the memory is freed, for instance to free what was derived from it. */
  onFree(callback: () => void): void {
    this.#onFree.push(callback);
  }
}
