/** Places for the uniform blocks of dispatches, within few buffers. A place that is given back serves another block. */
import { BufferUsage } from './flags.ts';
import type { WebGpuBuffer, WebGpuDevice } from './webgpu-types.ts';

/** Bytes of a buffer, unless a block needs more. */
const PAGE = 64 * 1024;

/** Room for one uniform block. */
export interface UniformSlot {
  readonly buffer: WebGpuBuffer;
  readonly offset: number;
  readonly size: number;
}

export class UniformSlots {
  readonly #device: WebGpuDevice;
  readonly #alignment: number;
  readonly #free = new Map<number, UniformSlot[]>();
  /** The buffer that new slots are cut from, and the offset of the next one. */
  #page: WebGpuBuffer | undefined;
  #next = 0;

  constructor(device: WebGpuDevice) {
    this.#device = device;
    // A test's substitute for a device has no limits; every device supports 256.
    this.#alignment = device.limits?.minUniformBufferOffsetAlignment ?? 256;
  }

  /** A slot for a block of this many bytes. */
  take(bytes: number): UniformSlot {
    const size = Math.ceil(bytes / this.#alignment) * this.#alignment;
    return this.#free.get(size)?.pop() ?? this.#cut(size);
  }

  giveBack(slot: UniformSlot): void {
    const free = this.#free.get(slot.size);
    if (free) free.push(slot);
    else this.#free.set(slot.size, [slot]);
  }

  #cut(size: number): UniformSlot {
    if (!this.#page || this.#next + size > PAGE) {
      const usage = BufferUsage.UNIFORM | BufferUsage.COPY_DST;
      this.#page = this.#device.createBuffer({ size: Math.max(PAGE, size), usage });
      this.#next = 0;
    }
    const offset = this.#next;
    this.#next += size;
    return { buffer: this.#page, offset, size };
  }
}
