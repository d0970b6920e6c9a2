/**
 * Buffer pool. A training step allocates the same buffers in the same order each time. So after the first step, free
 * buffers answer every request, and bind groups that name those buffers can be cached. The same holds for textures.
 *
 * Commands that are recorded but have not run may still name a released buffer. The pool hands it out again all the
 * same: `Gpu` keeps commands and uploads in order, so those of the next user come after.
 */
import { GpuError } from './errors.ts';
import type { WebGpuBuffer, WebGpuTexture } from './webgpu-types.ts';

/** Usage of every pooled buffer: kernels read and write it, and the host uploads to it and copies from it. */
const USAGE = 0x80 /* STORAGE */ | 0x4 /* COPY_SRC */ | 0x8; /* COPY_DST */

/** Usage of every pooled texture: kernels write and read it, and the host may write to it. */
const TEXTURE_USAGE = 0x8 /* STORAGE_BINDING */ | 0x2; /* COPY_DST */

/** A storage buffer and its identity in the bind-group cache. */
export interface PooledBuffer {
  readonly id: number;
  readonly buffer: WebGpuBuffer;
  /** Bytes allocated: at least as many as requested. */
  readonly size: number;
  /** `Gpu` raises it whenever the content is replaced. Derived data is valid while it stays the same. */
  version: number;
  /** The pool that owns the buffer; none for a buffer made outside any pool. */
  readonly pool?: BufferPool;
}

/**
 * A storage texture: `height` lines of `width` texels, each of four f32 values. Compared with four values of a buffer,
 * lavapipe loads a texel at less than half the cost and stores it at four times the cost. So use textures for data that
 * is written once and read often.
 */
export interface PooledTexture {
  /** Differs from the id of any buffer. */
  readonly id: number;
  readonly texture: WebGpuTexture;
  readonly width: number;
  readonly height: number;
  /** Bytes of its texels. */
  readonly size: number;
  readonly pool?: BufferPool;
}

/** A resource that a kernel can bind. */
export type Pooled = PooledBuffer | PooledTexture;

/** The part of a GPUDevice that the pool uses. Tests replace it. */
export interface Allocator {
  createBuffer(descriptor: { readonly size: number; readonly usage: number }): WebGpuBuffer;
  createTexture(descriptor: {
    readonly size: readonly [number, number];
    readonly format: 'rgba32float';
    readonly usage: number;
  }): WebGpuTexture;
}

/** Sizes are whole multiples of this many bytes. */
const UNIT = 16;

/**
 * A free buffer answers a request if it is at most this many times as large. A fine-tuning step of resnet18 needs 0.40
 * GB in use at once at batch 4, and 0.91 GB at batch 32. The pool takes 0.49 and 1.43 GB with this bound, 0.48 and 1.91
 * GB with 1.5, and 0.52 and 2.83 GB with 1. With no bound, small tensors occupy large buffers: 0.60 and 2.40 GB.
 */
const LARGEST_WASTE = 2;

/** Hands out a device's buffers, takes them back, and hands them out again. Tensors do that by themselves. */
export class BufferPool {
  readonly #device: Allocator;
  /** Sorted by size; equal sizes by age. */
  readonly #free: PooledBuffer[] = [];
  readonly #freeTextures: PooledTexture[] = [];
  /** Requested bytes, by the id of the buffer that answered. */
  readonly #held = new Map<number, number>();
  #nextId = 1;
  #liveBytes = 0;
  #peakBytes = 0;
  #allocatedBytes = 0;

  constructor(device: Allocator) {
    this.#device = device;
  }

  /** Bytes requested and not yet released, each request rounded up to 16. The buffers that answered may be larger. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** The maximum of `liveBytes` so far. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Bytes of all existing buffers and textures, free ones included. */
  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** A buffer of at least `bytes` bytes. Its content is whatever its last user left. */
  acquire(bytes: number): PooledBuffer {
    const size = Math.max(1, Math.ceil(bytes / UNIT)) * UNIT;
    // The choice depends only on which buffers are free, not on the order of their release. So every step gets the
    // buffers and bind groups of the previous step.
    const place = this.#free.findIndex((free) => free.size >= size);
    const fits = place >= 0 && this.#free[place]!.size <= LARGEST_WASTE * size;
    const pooled = fits ? this.#free.splice(place, 1)[0]! : this.#create(size);
    this.#hold(pooled, size);
    return pooled;
  }

  /** A texture of exactly this many texels. Its content is whatever its last user left. */
  acquireTexture(width: number, height: number): PooledTexture {
    const place = this.#freeTextures.findIndex((free) => free.width === width && free.height === height);
    const pooled = place >= 0 ? this.#freeTextures.splice(place, 1)[0]! : this.#createTexture(width, height);
    this.#hold(pooled, pooled.size);
    return pooled;
  }

  /**
   * Returns a buffer or texture to the pool.
   * @throws GpuError if it was returned already, or is from another pool: it would serve two owners
   */
  release(pooled: Pooled): void {
    const held = this.#held.get(pooled.id);
    if (held === undefined || pooled.pool !== this) {
      throw new GpuError(
        pooled.pool === this
          ? `Pooled memory ${pooled.id} (${pooled.size} bytes) was released twice. Release each buffer or texture once.`
          : `Pooled memory ${pooled.id} (${pooled.size} bytes) was released to another pool. Release it to the one ` +
              'it came from.',
      );
    }
    this.#liveBytes -= held;
    this.#held.delete(pooled.id);
    if ('texture' in pooled) {
      this.#freeTextures.push(pooled);
      this.#freeTextures.sort((a, b) => a.id - b.id);
      return;
    }
    const place = this.#free.findIndex(
      ({ size, id }) => size > pooled.size || (size === pooled.size && id > pooled.id),
    );
    this.#free.splice(place < 0 ? this.#free.length : place, 0, pooled);
  }

  #hold({ id }: Pooled, size: number): void {
    this.#held.set(id, size);
    this.#liveBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
  }

  #createTexture(width: number, height: number): PooledTexture {
    const texture = this.#device.createTexture({
      size: [width, height],
      format: 'rgba32float',
      usage: TEXTURE_USAGE,
    });
    const size = 16 * width * height;
    this.#allocatedBytes += size;
    return { id: this.#nextId++, texture, width, height, size, pool: this };
  }

  #create(size: number): PooledBuffer {
    const buffer = this.#device.createBuffer({ size, usage: USAGE });
    this.#allocatedBytes += size;
    return { id: this.#nextId++, buffer, size, version: 0, pool: this };
  }
}
