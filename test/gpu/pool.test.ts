/** The buffer pool, without a device: size classes, quarantine, counting. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BufferAllocator, BufferPool, sizeClass } from '../../src/gpu/pool.ts';

/** Counts what it makes and destroys. */
function allocator() {
  const counts = { made: 0, destroyed: 0 };
  const createBuffer = () => {
    counts.made++;
    return { destroy: () => counts.destroyed++ } as unknown as GPUBuffer;
  };
  return { counts, device: { createBuffer } as BufferAllocator };
}

describe('sizeClass', () => {
  test('is large enough, a multiple of 16, at most an eighth more than asked, and a class of its own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), (bytes) => {
        const size = sizeClass(bytes);
        expect(size).toBeGreaterThanOrEqual(bytes);
        expect(size % 16).toBe(0);
        expect(size).toBeLessThanOrEqual(Math.max(bytes * 1.125, bytes + 15));
        expect(sizeClass(size)).toBe(size);
      }),
    );
  });

  test('grows with the request', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 30), fc.nat(2 ** 30), (a, b) => {
        expect(sizeClass(Math.min(a, b))).toBeLessThanOrEqual(sizeClass(Math.max(a, b)));
      }),
    );
  });

  test.each([
    [0, 16],
    [1, 16],
    [17, 32],
    [128, 128],
    [1000, 1024],
    [1025, 1152],
  ])('%i bytes take %i', (bytes, size) => expect(sizeClass(bytes)).toBe(size));
});

describe('BufferPool', () => {
  test('a released buffer rests until everything recorded was submitted', () => {
    const { counts, device } = allocator();
    const pool = new BufferPool(device);
    const first = pool.acquire(100);
    pool.release(first);
    const second = pool.acquire(100);
    expect(second.id).not.toBe(first.id);
    pool.submitted();
    expect(pool.acquire(100)).toBe(first);
    expect(counts.made).toBe(2);
  });

  test('tensors of nearly equal size share buffers, others do not', () => {
    const pool = new BufferPool(allocator().device);
    const first = pool.acquire(1000);
    pool.release(first);
    pool.submitted();
    expect(pool.acquire(2000).id).not.toBe(first.id);
    expect(pool.acquire(1010)).toBe(first);
  });

  test('the same requests get the same buffers, whatever the order of release', () => {
    const pool = new BufferPool(allocator().device);
    const step = (order: number[]) => {
      const buffers = Array.from({ length: 5 }, () => pool.acquire(64));
      for (const i of order) pool.release(buffers[i]!);
      pool.submitted();
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

  test('trim destroys what is free, and nothing else', () => {
    const { counts, device } = allocator();
    const pool = new BufferPool(device);
    const [free, resting, used] = [pool.acquire(64), pool.acquire(64), pool.acquire(64)];
    pool.release(free);
    pool.submitted();
    pool.release(resting);
    expect(pool.trim()).toEqual([free.id]);
    expect(counts.destroyed).toBe(1);
    expect(pool.allocatedBytes).toBe(128);
    expect(pool.acquire(64).id).not.toBe(free.id);
    pool.release(used);
  });
});
