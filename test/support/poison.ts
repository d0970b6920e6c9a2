/**
 * Devices for tests: with claimed traits, and with poisoned memory. This file uses no test runner, because the random
 * programs of test/fuzz also run without one.
 */
import { BufferUsage } from '../../src/gpu/flags.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import type { Pooled, PooledBuffer, PooledTexture } from '../../src/gpu/pool.ts';

/**
 * Claims traits, but no larger subgroup than the adapter's: shuffles would reach other subgroups. SwiftShader's have 4.
 */
export function claim(gpu: Gpu, traits: Partial<AdapterTraits>): void {
  const own = gpu.traits.subgroupSize;
  const { subgroupSize = own } = traits;
  const possible = own > 0 ? Math.min(subgroupSize, own) : subgroupSize;
  Object.assign(gpu, { traits: { ...gpu.traits, ...traits, subgroupSize: possible } });
}

/** NaN as f32 and as f16. */
export const ALL_NAN = 0x7fff7fff;
/** 1e30 as f32. It shows where `max` or a comparison drops a NaN. As an index it is out of bounds. */
export const LARGE = 0x7149f2ca;

/** How `poison` fills memory. */
export interface PoisonOptions {
  /** The 32 bits that fill memory, ALL_NAN by default. May change between two programs. */
  word: number;
  /** Also fill released memory, so that a read after the release is seen before the memory has a new owner. */
  readonly onRelease?: boolean;
}

/**
 * Fills every buffer and texture with NaN when the pool hands it out, in f32 and in f16. So unwritten elements are
 * seen, with any content from the last owner. Costs a copy each.
 */
export function poison(gpu: Gpu, options: PoisonOptions = { word: ALL_NAN }): void {
  const { pool } = gpu;
  const [acquire, acquireTexture, release] = [pool.acquire, pool.acquireTexture, pool.release].map((method) =>
    method.bind(pool),
  ) as [typeof pool.acquire, typeof pool.acquireTexture, typeof pool.release];
  const sources = new Map<number, PooledBuffer>();
  const fill = (target: PooledBuffer) => {
    let source = sources.get(options.word);
    if (!source || source.size < target.size) {
      source = filledBuffer(gpu, options.word, Math.max(target.size, 2 * (source?.size ?? 0)));
      sources.set(options.word, source);
    }
    gpu.copy(source, target, target.size);
  };
  const fillTexture = ({ texture, width, height }: PooledTexture) => {
    const texels = new Uint32Array(4 * width * height).fill(options.word);
    gpu.flush();
    gpu.device.queue.writeTexture({ texture }, texels, { bytesPerRow: 16 * width }, [width, height]);
  };
  pool.acquire = (bytes) => {
    const pooled = acquire(bytes);
    fill(pooled);
    return pooled;
  };
  pool.acquireTexture = (width, height) => {
    const pooled = acquireTexture(width, height);
    fillTexture(pooled);
    return pooled;
  };
  if (!options.onRelease) return;
  pool.release = (pooled: Pooled) => {
    // Commands recorded before this still see the old content.
    try {
      if ('texture' in pooled) fillTexture(pooled);
      else fill(pooled);
    } catch {
      // The device is closed, and one of its tensors was collected afterwards.
    }
    release(pooled);
  };
}

/** Makes a buffer outside the pool, filled with one word. */
function filledBuffer(gpu: Gpu, word: number, size: number): PooledBuffer {
  const buffer = gpu.device.createBuffer({ size, usage: BufferUsage.COPY_SRC, mappedAtCreation: true });
  new Uint32Array(buffer.getMappedRange()).fill(word);
  buffer.unmap();
  return { id: 0, buffer, size, version: 0 };
}
