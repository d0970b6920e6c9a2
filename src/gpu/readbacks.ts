/** Buffers on their way from the device: staging buffers, handed out, read once, and handed out again. */
import { suggestCollection } from './collect.ts';
import { GpuError } from './errors.ts';
import { BufferUsage, MapMode } from './flags.ts';
import type { Wait } from './wait.ts';
import type { WebGpuBuffer, WebGpuDevice } from './webgpu-types.ts';

/** Values on their way from the device. */
export interface Readback {
  /** The bytes, once they are computed: the same at every call. @throws DeviceLostError, GpuError or OutOfMemoryError */
  get(): Promise<ArrayBuffer>;
}

/** The smallest staging buffer, bytes. Sizes are powers of two, so that buffers serve again. */
const SMALLEST = 256;

/** Free staging buffers of one size that are kept. */
const SPARE = 8;

/** Readbacks that may be open at once. Each holds a buffer of the driver's. */
const MOST_OPEN = 16_384;

/** After as many more open ones, it is worth a look whether somebody still holds them. */
const SUGGEST_EVERY = 1024;

/** The staging buffers of one device. */
export class Readbacks {
  readonly #device: WebGpuDevice;
  readonly #wait: Wait;
  readonly #free = new Map<number, GPUBuffer[]>();
  #open = 0;
  #suggestAt = SUGGEST_EVERY;
  /** A readback that is dropped without being read gives its buffer back. */
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
   * A readback of `bytes` bytes, which `fill` records a copy of.
   * @param failure what to throw where mapping fails for a reason that is known better
   */
  start(bytes: number, fill: (staging: WebGpuBuffer, size: number) => void, failure: () => Promise<void>): Readback {
    if (this.#open >= this.#suggestAt) {
      suggestCollection();
      this.#suggestAt = this.#open + SUGGEST_EVERY;
    }
    if (this.#open >= MOST_OPEN) {
      throw new GpuError(`${MOST_OPEN} readbacks are open. Await get() of each, or start fewer at once.`);
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
    this.#suggestAt = Math.min(this.#suggestAt, this.#open + SUGGEST_EVERY);
    const free = this.#free.get(staging.size);
    if (!free) this.#free.set(staging.size, [staging]);
    else if (free.length < SPARE) free.push(staging);
    else staging.destroy();
  }
}
