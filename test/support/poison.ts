/**
 * Devices as tests want them: claiming to be another adapter's, and with poisoned memory. Needs no test runner, as the
 * random programs of test/fuzz also run without one.
 */
import { BufferUsage } from '../../src/gpu/flags.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import type { Pooled, PooledBuffer, PooledTexture } from '../../src/gpu/pool.ts';

/** A subgroup larger than the adapter's cannot be claimed: shuffles would ask lanes of another one. SwiftShader's have 4. */
export function claim(gpu: Gpu, traits: Partial<AdapterTraits>): void {
  const own = gpu.traits.subgroupSize;
  const { subgroupSize = own } = traits;
  const possible = own > 0 ? Math.min(subgroupSize, own) : subgroupSize;
  Object.assign(gpu, { traits: { ...gpu.traits, ...traits, subgroupSize: possible } });
}

/** NaN as f32 and as f16. */
export const ALL_NAN = 0x7fff7fff;
/** 1e30 as f32: what `max` or a comparison would drop of a NaN shows with it. As a place in memory it is out of bounds. */
export const LARGE = 0x7149f2ca;

/** How `poison` fills memory. */
export interface PoisonOptions {
  /** The 32 bits that memory is filled with; ALL_NAN by default. May be changed between two programs. */
  word: number;
  /** Also fill what is given back, so that a read after the release is seen before the memory has a new owner. */
  readonly onRelease?: boolean;
}

/**
 * Fills every buffer and texture with NaN when the pool hands it out, so that what a kernel leaves unwritten is seen, whatever
 * its last user left there, and whether it is taken for f32 or f16. Costs a copy each.
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
      // The device is closed, and a tensor of it was collected since.
    }
    release(pooled);
  };
}

/** A buffer beside the pool that holds one word throughout. */
function filledBuffer(gpu: Gpu, word: number, size: number): PooledBuffer {
  const buffer = gpu.device.createBuffer({ size, usage: BufferUsage.COPY_SRC, mappedAtCreation: true });
  new Uint32Array(buffer.getMappedRange()).fill(word);
  buffer.unmap();
  return { id: 0, buffer, size, version: 0 };
}
