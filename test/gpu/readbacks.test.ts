/** A readback may be read any number of times, or never, without harm to the device. */

import { describe, expect } from 'vitest';
import { relu, Tensor } from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Readback } from '../../src/gpu/gpu.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

describe('a readback', () => {
  gpuTest('gives the same values at every get()', async () => {
    const readback = Tensor.from(gpu, Float32Array.of(1, 2), [2]).readback();
    const [first, second] = await Promise.all([readback.get(), readback.get()]);
    expect(new Float32Array(first)).toEqual(Float32Array.of(1, 2));
    expect(second).toBe(first);
    expect(await readback.get()).toBe(first);
    // The device still works.
    expect(await relu(Tensor.from(gpu, Float32Array.of(-1), [1])).item()).toBe(0);
  });

  gpuTest('returns its staging buffer if it is never read', async () => {
    const own = await openGpu();
    const x = Tensor.from(own, Float32Array.of(3), [1]);
    for (let i = 0; i < 5000; i++) {
      x.readback();
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(own.stats.openReadbacks).toBeLessThan(4000);
    expect(await x.item()).toBe(3);
    own.close();
  });

  gpuTest('throws a typed error if too many are open, and the device still works', async () => {
    const own = await openGpu();
    const x = Tensor.from(own, Float32Array.of(3), [1]);
    const open: Readback[] = [];
    const start = () => {
      for (let i = 0; i < 20_000; i++) open.push(x.readback());
    };
    expect(start).toThrow(
      expect.objectContaining({ name: 'GpuError', message: expect.stringContaining('16384 readbacks are open') }),
    );
    open.length = 16_000;
    const values = await Promise.all(open.slice(0, 50).map((one) => one.get()));
    expect(new Float32Array(values[49]!)[0]).toBe(3);
    own.close();
  });
});

gpuTest('releasing pooled memory twice or to another pool throws, and the memory keeps one owner', async () => {
  const own = await openGpu();
  const pooled = gpu.pool.acquire(64);
  gpu.pool.release(pooled);
  const error = (text: string) => expect.objectContaining({ name: 'GpuError', message: expect.stringContaining(text) });
  expect(() => gpu.pool.release(pooled)).toThrow(error('was released twice'));
  const [a, b] = [gpu.pool.acquire(64), gpu.pool.acquire(64)];
  expect(a).not.toBe(b);
  expect(() => own.pool.release(a)).toThrow(error('released to another pool'));
  expect(gpu.pool.liveBytes).toBeGreaterThanOrEqual(128);
  for (const one of [a, b]) gpu.pool.release(one);
  own.close();
});
