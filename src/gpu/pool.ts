/**
 * Buffer pool. A training step allocates the same buffers in the same order each time, so after the first step every
 * request is answered from what is free, and bind groups that name those buffers can be cached. Textures likewise.
 *
 * A released buffer may still be named by commands that are recorded but not yet run. It is handed out again all the same:
 * whatever its next user records or uploads runs after them, as `Gpu` keeps everything in its order.
 */
import { GpuError } from './errors.ts';
import type { WebGpuBuffer, WebGpuTexture } from './webgpu-types.ts';

/** Usage of every pooled buffer: kernels read and write it, the host uploads to it and copies from it. */
const USAGE = 0x80 /* STORAGE */ | 0x4 /* COPY_SRC */ | 0x8; /* COPY_DST */

/** The same of textures: kernels write and read them, and the host may write to them. */
const TEXTURE_USAGE = 0x8 /* STORAGE_BINDING */ | 0x2; /* COPY_DST */

/** A storage buffer and its identity in the bind-group cache. */
export interface PooledBuffer {
  readonly id: number;
  readonly buffer: WebGpuBuffer;
  /** Bytes allocated: at least what was asked for. */
  readonly size: number;
  /** Raised by `Gpu` whenever its content is replaced: what was derived from it is right as long as this is the same. */
  version: number;
  /** The pool it is from; none for a buffer that somebody made beside it. */
  readonly pool?: BufferPool;
}

/**
 * A storage texture: `height` lines of `width` texels, each of four f32 numbers. lavapipe loads a texel at less than half of what
 * four numbers of a buffer cost it, and stores one at four times as much: so textures are for what is written once
 * and read often.
 */
export interface PooledTexture {
  /** Different from that of any buffer. */
  readonly id: number;
  readonly texture: WebGpuTexture;
  readonly width: number;
  readonly height: number;
  /** Bytes of its texels. */
  readonly size: number;
  readonly pool?: BufferPool;
}

/** What a kernel can be given. */
export type Pooled = PooledBuffer | PooledTexture;

/** Most texels of a line, and most lines, that WebGPU promises on every device. */
export const MOST_TEXELS = 8192;

/** The part of a GPUDevice that the pool uses; tests give a stand-in. */
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
 * A free buffer answers a request if it is at most this many times as large. The pool of a fine-tuning step of resnet18 needs
 * 0.40 GB in use at once at batch 4, and 0.91 GB at batch 32. It takes 0.49 and 1.43 GB with this bound, 0.48 and 1.91 with
 * 1.5, 0.52 and 2.83 with 1; with none, small tensors sit in large buffers: 0.60 and 2.40.
 */
const LARGEST_WASTE = 2;

/** The buffers of a device: handed out, taken back, and handed out again. Tensors do that by themselves. */
export class BufferPool {
  readonly #device: Allocator;
  /** By size, and by age among equals. */
  readonly #free: PooledBuffer[] = [];
  readonly #freeTextures: PooledTexture[] = [];
  /** What was asked for, by the id of the buffer that answered. */
  readonly #held = new Map<number, number>();
  #nextId = 1;
  #liveBytes = 0;
  #peakBytes = 0;
  #allocatedBytes = 0;

  constructor(device: Allocator) {
    this.#device = device;
  }

  /** Bytes asked for and not yet released, each request rounded up to 16. The buffers that answered may be larger. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** The most that `liveBytes` ever was. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Bytes of all buffers and textures that exist, free ones included. */
  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** A buffer of at least `bytes` bytes. Its content is whatever its last user left. */
  acquire(bytes: number): PooledBuffer {
    const size = Math.max(1, Math.ceil(bytes / UNIT)) * UNIT;
    // Which buffer it is depends only on which are free, not on the order of their release: so every step finds the
    // buffers, and the bind groups, of the step before.
    const place = this.#free.findIndex((free) => free.size >= size);
    const fits = place >= 0 && this.#free[place]!.size <= LARGEST_WASTE * size;
    const pooled = fits ? this.#free.splice(place, 1)[0]! : this.#create(size);
    this.#hold(pooled, size);
    return pooled;
  }

  /** A texture of just this many texels. Its content is whatever its last user left. */
  acquireTexture(width: number, height: number): PooledTexture {
    const place = this.#freeTextures.findIndex((free) => free.width === width && free.height === height);
    const pooled = place >= 0 ? this.#freeTextures.splice(place, 1)[0]! : this.#createTexture(width, height);
    this.#hold(pooled, pooled.size);
    return pooled;
  }

  /**
   * Gives a buffer or texture back.
   * @throws GpuError if it was given back already, or is from another pool: it would serve two owners
   */
  release(pooled: Pooled): void {
    const held = this.#held.get(pooled.id);
    if (held === undefined || pooled.pool !== this) {
      throw new GpuError(
        pooled.pool === this
          ? `Pooled memory ${pooled.id} (${pooled.size} bytes) was released twice. Release what you acquired once.`
          : `Pooled memory ${pooled.id} (${pooled.size} bytes) was released to another pool than it came from.`,
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
