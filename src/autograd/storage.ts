/**
 * Reference-counted device memory. JavaScript has no destructors, and a training step makes hundreds of megabytes of
 * activations, so who needs a buffer says so: a tensor holds one reference to its storage, the tape one for each
 * activation that backward will read. With the last reference the buffer goes back to the pool.
 */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';

export class Storage {
  readonly gpu: Gpu;
  readonly bytes: number;
  /** Raised whenever the content is replaced, so that what was derived from it (packed weights) can be kept until then. */
  version = 0;
  #buffer: PooledBuffer | undefined;
  #references = 1;
  #onFree: (() => void)[] = [];

  constructor(gpu: Gpu, bytes: number) {
    this.gpu = gpu;
    this.bytes = bytes;
    this.#buffer = gpu.pool.acquire(bytes);
  }

  /** The buffer. Throws if every owner has let go of it. */
  get buffer(): PooledBuffer {
    if (!this.#buffer) throw new Error('This tensor was disposed: its memory may already hold something else.');
    return this.#buffer;
  }

  /** True while nobody but one owner refers to it, so that it may be changed in place. */
  get exclusive(): boolean {
    return this.#references === 1;
  }

  get freed(): boolean {
    return this.#buffer === undefined;
  }

  retain(): this {
    if (!this.#buffer) throw new Error('A disposed tensor cannot be used again.');
    this.#references++;
    return this;
  }

  release(): void {
    if (!this.#buffer) throw new Error('Storage was released more often than it was retained.');
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
