/**
 * GPU times per kernel, by timestamp queries. Each dispatch then needs its own pass, so profiling is on only while
 * requested.
 */
import { BufferUsage, MapMode } from './flags.ts';
import type { KernelTiming } from './timing.ts';
import type { Wait } from './wait.ts';

const CAPACITY = 4096;

export class Profiler {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  #names: { kernel: string; label: string }[] = [];

  /** The device must have the feature `timestamp-query`. */
  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: 'timestamp', count: CAPACITY });
    this.#resolved = device.createBuffer({
      size: CAPACITY * 8,
      usage: BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC,
    });
  }

  /** Timestamp writes for the next pass; undefined when the query set is full (later dispatches are not timed). */
  next(kernel: string, label: string): GPUComputePassTimestampWrites | undefined {
    const index = this.#names.length * 2;
    if (index + 2 > CAPACITY) return undefined;
    this.#names.push({ kernel, label });
    return { querySet: this.#queries, beginningOfPassWriteIndex: index, endOfPassWriteIndex: index + 1 };
  }

  /** Timings of everything submitted since the last call. The caller must have submitted all recorded commands. */
  async take(wait: Wait): Promise<KernelTiming[]> {
    const names = this.#names;
    this.#names = [];
    if (names.length === 0) return [];
    const bytes = names.length * 16;
    const staging = this.#device.createBuffer({
      size: bytes,
      usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST,
    });
    const encoder = this.#device.createCommandEncoder();
    encoder.resolveQuerySet(this.#queries, 0, names.length * 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, staging, 0, bytes);
    this.#device.queue.submit([encoder.finish()]);
    await wait(staging.mapAsync(MapMode.READ));
    const stamps = new BigUint64Array(staging.getMappedRange().slice(0));
    staging.destroy();
    return names.map((name, i) => ({ ...name, ms: Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1e6 }));
  }

  destroy(): void {
    this.#queries.destroy();
    this.#resolved.destroy();
  }
}
