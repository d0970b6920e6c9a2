/** The buffer pool, without a device: which buffer serves a request, and the byte counts. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Allocator, BufferPool, type PooledBuffer } from '../../src/gpu/pool.ts';

/** A stand-in device that counts the buffers it creates. */
function allocator() {
  const counts = { made: 0 };
  const createBuffer = () => {
    counts.made++;
    return {} as GPUBuffer;
  };
  return { counts, device: { createBuffer } as unknown as Allocator };
}

describe('BufferPool', () => {
  test('a buffer is large enough, a multiple of 16, and never has two owners', () => {
    const request = fc.record({ bytes: fc.nat(5000), release: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
        const pool = new BufferPool(allocator().device);
        const held: PooledBuffer[] = [];
        const asked: number[] = [];
        for (const { bytes, release } of requests) {
          if (release < held.length) {
            pool.release(held.splice(release, 1)[0]!);
            asked.splice(release, 1);
          }
          const pooled = pool.acquire(bytes);
          expect(pooled.size).toBeGreaterThanOrEqual(bytes);
          expect(pooled.size % 16).toBe(0);
          expect(held.map(({ id }) => id)).not.toContain(pooled.id);
          held.push(pooled);
          asked.push(Math.max(16, Math.ceil(bytes / 16) * 16));
          expect(pool.liveBytes).toBe(asked.reduce((sum, size) => sum + size));
        }
      }),
    );
  });

  test.each([
    [0, 16],
    [1, 16],
    [16, 16],
    [17, 32],
    [1000, 1008],
  ])('%i bytes take %i', (bytes, size) => {
    expect(new BufferPool(allocator().device).acquire(bytes).size).toBe(size);
  });

  test('a texture serves only requests for its extents, the oldest first, and counts by its texels', () => {
    const counts = { made: 0 };
    const createTexture = () => {
      counts.made++;
      return {} as GPUTexture;
    };
    const pool = new BufferPool({ ...allocator().device, createTexture } as unknown as Allocator);
    const [first, second] = [pool.acquireTexture(8, 3), pool.acquireTexture(8, 3)];
    expect([first.width, first.height, first.size, pool.liveBytes]).toEqual([8, 3, 384, 768]);
    pool.release(second);
    pool.release(first);
    expect([pool.liveBytes, pool.allocatedBytes, pool.peakBytes]).toEqual([0, 768, 768]);
    const other = pool.acquireTexture(3, 8);
    expect([first.id, second.id]).not.toContain(other.id);
    expect(pool.acquireTexture(8, 3)).toBe(first);
    expect(pool.acquireTexture(8, 3)).toBe(second);
    expect(counts.made).toBe(3);
    // A buffer is never a texture.
    expect([first.id, second.id, other.id]).not.toContain(pool.acquire(384).id);
  });

  test('a released buffer is the next to be handed out', () => {
    const { counts, device } = allocator();
    const pool = new BufferPool(device);
    const first = pool.acquire(100);
    pool.release(first);
    expect(pool.acquire(100)).toBe(first);
    expect(counts.made).toBe(1);
  });

  test('the smallest buffer that is large enough serves a request, unless it is more than twice as large', () => {
    const pool = new BufferPool(allocator().device);
    const [small, middle, large] = [pool.acquire(640), pool.acquire(960), pool.acquire(1600)];
    for (const pooled of [large, small, middle]) pool.release(pooled);
    expect(pool.acquire(656)).toBe(middle);
    expect(pool.acquire(784).id).not.toBe(large.id);
    expect(pool.acquire(800)).toBe(large);
    expect(pool.acquire(319)).toBe(small);
  });

  test('the same requests get the same buffers in any order of release', () => {
    const pool = new BufferPool(allocator().device);
    const step = (order: number[]) => {
      const buffers = Array.from({ length: 5 }, () => pool.acquire(64));
      for (const i of order) pool.release(buffers[i]!);
      return buffers.map(({ id }) => id);
    };
    const ids = step([0, 1, 2, 3, 4]);
    expect(step([4, 2, 0, 1, 3])).toEqual(ids);
    expect(step([0, 1, 2, 3, 4])).toEqual(ids);
  });

  test('counts live, peak and allocated bytes', () => {
    const pool = new BufferPool(allocator().device);
    const [a, b] = [pool.acquire(64), pool.acquire(128)];
    pool.release(a);
    expect([pool.liveBytes, pool.peakBytes, pool.allocatedBytes]).toEqual([128, 192, 192]);
    pool.release(b);
    expect([pool.liveBytes, pool.peakBytes, pool.allocatedBytes]).toEqual([0, 192, 192]);
  });
});
