/**
 * Buffer pool. A training step allocates the same buffers in the same order each time, so after the first step every
 * request is answered from a free list, and bind groups that name those buffers can be cached.
 *
 * A released buffer may still be named by commands that are recorded but not yet submitted. Handing it out then would be
 * safe for another dispatch (the queue keeps their order) but not for `queue.writeBuffer`, which takes effect before
 * commands that are submitted later. So released buffers rest in quarantine until `submitted()` says that everything
 * recorded so far is in the queue.
 */
import type { WebGpuBuffer } from './webgpu-types.ts';

/** Usage of every pooled buffer: kernels read and write it, the host uploads to it and copies from it. */
const USAGE = 0x80 /* STORAGE */ | 0x4 /* COPY_SRC */ | 0x8; /* COPY_DST */

/** A storage buffer and its identity in the bind-group cache. */
export interface PooledBuffer {
  readonly id: number;
  readonly buffer: WebGpuBuffer;
  /** Bytes allocated: at least what was asked for. */
  readonly size: number;
}

/** The part of a GPUDevice that the pool uses; tests give a stand-in. */
export interface BufferAllocator {
  createBuffer(descriptor: { readonly size: number; readonly usage: number }): WebGpuBuffer;
}

/**
 * Bytes to allocate for a request: rounded up to an eighth of its power of two (at most 12.5 % more), so that tensors of
 * nearly equal size share buffers. At least 16 bytes, always a multiple of 16.
 */
export function sizeClass(bytes: number): number {
  const step = Math.max(16, 2 ** Math.floor(Math.log2(Math.max(bytes, 1))) / 8);
  return Math.max(16, Math.ceil(bytes / step) * step);
}

/** The buffers of a device: handed out, taken back, and handed out again. Tensors do that by themselves. */
export class BufferPool {
  readonly #device: BufferAllocator;
  readonly #free = new Map<number, PooledBuffer[]>();
  #quarantine: PooledBuffer[] = [];
  #nextId = 1;
  #liveBytes = 0;
  #peakBytes = 0;
  #allocatedBytes = 0;

  constructor(device: BufferAllocator) {
    this.#device = device;
  }

  /** Bytes handed out and not yet released. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** The most bytes that were ever handed out at once. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Bytes of all buffers that exist, free ones included. */
  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** A buffer of at least `bytes` bytes. Its content is whatever its last user left. */
  acquire(bytes: number): PooledBuffer {
    const size = sizeClass(bytes);
    const pooled = this.#free.get(size)?.pop() ?? this.#create(size);
    this.#liveBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return pooled;
  }

  /** Gives a buffer back. It is handed out again only after the next `submitted()`. */
  release(pooled: PooledBuffer): void {
    this.#liveBytes -= pooled.size;
    this.#quarantine.push(pooled);
  }

  /** Everything recorded so far has been submitted: what was released before may be used again. */
  submitted(): void {
    for (const pooled of this.#quarantine) {
      const list = this.#free.get(pooled.size) ?? [];
      this.#free.set(pooled.size, list);
      // Oldest last, so that it is the next to go: which buffer answers a request then depends only on which are free, not
      // on the order of their release, and every step finds the buffers, and so the bind groups, of the step before.
      const place = list.findIndex((other) => other.id < pooled.id);
      list.splice(place < 0 ? list.length : place, 0, pooled);
    }
    this.#quarantine = [];
  }

  /** Destroys all free buffers; returns the ids that no longer exist. */
  trim(): number[] {
    const gone: number[] = [];
    for (const list of this.#free.values()) {
      for (const pooled of list) {
        pooled.buffer.destroy();
        this.#allocatedBytes -= pooled.size;
        gone.push(pooled.id);
      }
    }
    this.#free.clear();
    return gone;
  }

  #create(size: number): PooledBuffer {
    const buffer = this.#device.createBuffer({ size, usage: USAGE });
    this.#allocatedBytes += size;
    return { id: this.#nextId++, buffer, size };
  }
}
