/**
 * Reference-counted device memory. A training step makes hundreds of megabytes of activations, so every user of a
 * buffer holds a reference. A tensor holds one to its storage. A graph holds one to each activation that backward will
 * read. With the last reference the buffer returns to the pool.
 */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';

let made = 0;

export class Storage {
  readonly gpu: Gpu;
  readonly bytes: number;
  /** Increases with every new storage. */
  readonly serial = made++;
  #buffer: PooledBuffer | undefined;
  #references = 1;
  #onFree: (() => void)[] = [];

  constructor(gpu: Gpu, bytes: number) {
    this.gpu = gpu;
    this.bytes = bytes;
    this.#buffer = gpu.pool.acquire(bytes);
  }

  /** Number of storages made so far: the serial of the next one. */
  static get made(): number {
    return made;
  }

  /**
   * The buffer.
   * @throws Error if every owner has released it
   */
  get buffer(): PooledBuffer {
    if (!this.#buffer) throw new Error('This storage was freed: its memory may already hold something else.');
    return this.#buffer;
  }

  /** Raised whenever the content is replaced. Derived data (packed weights) is valid until then. */
  get version(): number {
    return this.buffer.version;
  }

  /** True while only one owner refers to it. Then it may be changed in place. */
  get exclusive(): boolean {
    return this.#references === 1;
  }

  get freed(): boolean {
    return this.#buffer === undefined;
  }

  /** Reports that the content was replaced by other means than a `Gpu`. A `Gpu` raises the version by itself. */
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

  /** Registers a callback for when the memory is freed, for instance to free derived data. */
  onFree(callback: () => void): void {
    this.#onFree.push(callback);
  }
}
