/** Staging buffers for values on their way from the device. Each is handed out, read once, and handed out again. */
import { CollectionHint } from './collect.ts';
import { GpuError } from './errors.ts';
import { BufferUsage, MapMode } from './flags.ts';
import type { Wait } from './wait.ts';
import type { WebGpuBuffer, WebGpuDevice } from './webgpu-types.ts';

/** Values on their way from the device. */
export interface Readback {
  /** The bytes, once computed; every call returns the same. @throws DeviceLostError, GpuError or OutOfMemoryError */
  get(): Promise<ArrayBuffer>;
}

/** The smallest staging buffer, bytes. Sizes are powers of two, so buffers can be reused. */
const SMALLEST = 256;

/** How many free staging buffers of one size are kept. */
const SPARE = 8;

/** How many readbacks may be open at once. Each holds a buffer of the driver. */
const MOST_OPEN = 16_384;

/** A collection is suggested after this many more open readbacks: the program may have dropped some. */
const SUGGEST_EVERY = 1024;

/** The staging buffers of one device. */
export class Readbacks {
  readonly #device: WebGpuDevice;
  readonly #wait: Wait;
  readonly #free = new Map<number, GPUBuffer[]>();
  #open = 0;
  readonly #hint = new CollectionHint(SUGGEST_EVERY);
  /** A readback that is dropped without being read returns its buffer. */
  readonly #dropped = new FinalizationRegistry<GPUBuffer>((staging) => this.#giveBack(staging));

  constructor(device: WebGpuDevice, wait: Wait) {
    this.#device = device;
    this.#wait = wait;
  }

  /** Staging buffers in use. */
  get open(): number {
    return this.#open;
  }

  /**
   * Starts a readback of `bytes` bytes.
   * @param fill records the copy into the staging buffer
   * @param failure throws the better known reason, if there is one, when mapping fails
   */
  start(bytes: number, fill: (staging: WebGpuBuffer, size: number) => void, failure: () => Promise<void>): Readback {
    // WebGPU maps no empty buffer.
    if (bytes === 0) return { get: () => Promise.resolve(new ArrayBuffer(0)) };
    this.#hint.growing(this.#open);
    if (this.#open >= MOST_OPEN) {
      throw new GpuError(
        `${MOST_OPEN} readbacks are open, the most possible. Await get() of each, or start fewer at once.`,
      );
    }
    const copied = Math.ceil(bytes / 4) * 4;
    const staging = this.#take(copied);
    fill(staging, copied);
    let result: Promise<ArrayBuffer> | undefined;
    const readback: Readback = {
      get: () => {
        if (!result) {
          this.#dropped.unregister(readback);
          result = this.#read(staging, copied, bytes, failure);
        }
        return result;
      },
    };
    this.#dropped.register(readback, staging, readback);
    return readback;
  }

  async #read(staging: GPUBuffer, copied: number, bytes: number, failure: () => Promise<void>): Promise<ArrayBuffer> {
    try {
      await this.#wait(staging.mapAsync(MapMode.READ, 0, copied));
    } catch (error) {
      this.#open--;
      await failure();
      throw new GpuError(`Reading from the device failed: ${(error as Error).message}`);
    }
    const data = staging.getMappedRange(0, copied).slice(0, bytes);
    staging.unmap();
    this.#giveBack(staging);
    return data;
  }

  #take(bytes: number): GPUBuffer {
    const size = Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(bytes)));
    this.#open++;
    return (
      this.#free.get(size)?.pop() ??
      this.#device.createBuffer({ size, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST })
    );
  }

  #giveBack(staging: GPUBuffer): void {
    this.#open--;
    this.#hint.shrunk(this.#open);
    const free = this.#free.get(staging.size);
    if (!free) this.#free.set(staging.size, [staging]);
    else if (free.length < SPARE) free.push(staging);
    else staging.destroy();
  }
}
