/**
 * The uniform blocks of all dispatches, in one buffer that is written round and round. A bind group names the buffer,
 * and each dispatch gives the offset of its block. So a value that changes every step, such as a learning rate, needs
 * no new buffer and no new bind group.
 *
 * The blocks of a submission are uploaded just before it. The queue keeps that order. So a place may be written again
 * as soon as the commands that read it are submitted.
 */
import { BufferUsage } from './flags.ts';
import type { WebGpuBuffer, WebGpuDevice } from './webgpu-types.ts';

/** Bytes of the buffer: the blocks of some five submissions. */
const SIZE = 64 * 1024;

export class UniformRing {
  #buffer: WebGpuBuffer | undefined;
  readonly #device: WebGpuDevice;
  readonly #alignment: number;
  readonly #host = new Uint8Array(SIZE);
  /** Bytes before this offset are in the queue. */
  #uploaded = 0;
  #next = 0;

  constructor(device: WebGpuDevice) {
    this.#device = device;
    // A test's substitute for a device has no limits; every device supports 256.
    this.#alignment = device.limits?.minUniformBufferOffsetAlignment ?? 256;
  }

  /** Created on first use. */
  get buffer(): WebGpuBuffer {
    this.#buffer ??= this.#device.createBuffer({ size: SIZE, usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST });
    return this.#buffer;
  }

  /** Whether a block of this many bytes still fits before the end. */
  fits(bytes: number): boolean {
    return this.#next + bytes <= SIZE;
  }

  /** Starts again at the beginning. Everything recorded must be submitted. */
  restart(): void {
    this.#uploaded = 0;
    this.#next = 0;
  }

  /** Stores a block that fits, and returns its offset. */
  put(block: Uint8Array): number {
    const offset = this.#next;
    this.#host.set(block, offset);
    this.#next = offset + Math.ceil(block.byteLength / this.#alignment) * this.#alignment;
    return offset;
  }

  /** Writes the blocks stored since the last call. Call it before their commands are submitted. */
  upload(): void {
    const bytes = Math.min(this.#next, SIZE) - this.#uploaded;
    if (bytes === 0) return;
    this.#device.queue.writeBuffer(this.buffer, this.#uploaded, this.#host, this.#uploaded, bytes);
    this.#uploaded += bytes;
  }
}
