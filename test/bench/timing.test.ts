/** Times of dispatches and copies on the device. */
import { expect } from 'vitest';
import { sum } from '../../bench/statistics.ts';
import { recordDispatches, timeAlone, timeCopies, timeDispatches, timingMethod } from '../../bench/timing.ts';
import { fill } from '../../src/kernels/elementwise/arithmetic.ts';
import { copyToTexture } from '../../src/kernels/texture-copy.ts';
import { withGpu } from '../support/gpu.ts';
import { skipUnless } from '../support/skip.ts';

const { gpuTest, gpu } = await withGpu();
let timestamps = false;
try {
  timestamps = timingMethod(gpu) === 'timestamps';
} catch {
  // No device: gpuTest reports it.
}
const timestampTest = timestamps ? gpuTest : skipUnless(false, 'This adapter has no timestamp queries.');

const COUNT = 1 << 20;

/** Fills `count` values. */
function oneFill(count: number) {
  const buffer = gpu.pool.acquire(count * 4);
  fill(gpu, count, 1, buffer);
  gpu.pool.release(buffer);
}

function twoFills() {
  oneFill(COUNT);
  oneFill(1);
}

gpuTest('recordDispatches returns every dispatch in order, and only those of its function', () => {
  twoFills();
  const dispatches = recordDispatches(gpu, () => twoFills());
  twoFills();
  expect(dispatches.map(({ program }) => program.name)).toEqual(['fill', 'fill']);
  // The workgroups of the first depend on the adapter.
  const [first, second] = dispatches.map(({ workgroups }) => workgroups[0]);
  expect(first).toBeGreaterThan(1);
  expect(second).toBe(1);
  const fail = () => {
    throw new Error('planted');
  };
  expect(() => recordDispatches(gpu, fail)).toThrow('planted');
  expect(gpu.onDispatch).toBeUndefined();
});

timestampTest('each dispatch has its own time', async () => {
  const { dispatches, ms } = await timeDispatches(gpu, () => {
    for (let i = 0; i < 5; i++) twoFills();
  });
  expect(dispatches).toHaveLength(10);
  expect(ms).toHaveLength(10);
  // A million values take longer than one; the minimum ignores delays.
  const fastest = (first: number) => Math.min(...ms.filter((_, i) => i % 2 === first));
  expect(fastest(0)).toBeGreaterThan(2 * fastest(1));
  expect(gpu.onDispatch).toBeUndefined();
});

timestampTest('more dispatches than timestamps are an error', async () => {
  const tooMany = () => {
    for (let i = 0; i < 2100; i++) oneFill(1);
  };
  await expect(timeDispatches(gpu, tooMany)).rejects.toThrow('2100 dispatches were recorded, but only 2048');
});

timestampTest('timestamps agree with the clock', async () => {
  twoFills();
  gpu.flush();
  await gpu.device.queue.onSubmittedWorkDone();
  const start = performance.now();
  const { ms } = await timeDispatches(gpu, () => {
    for (let i = 0; i < 10; i++) oneFill(8 * COUNT);
  });
  const wall = performance.now() - start;
  // The clock includes submission and waiting, which is little beside dispatches of milliseconds. The factor of a half
  // allows for a busy machine.
  expect(sum(ms)).toBeLessThan(wall * 1.01);
  expect(sum(ms)).toBeGreaterThan(wall * 0.5);
});

timestampTest('both methods return the time of one piece, not of all repetitions', async () => {
  const dispatches = recordDispatches(gpu, () => twoFills());
  const byTimestamps = await timeAlone(gpu, dispatches, 'timestamps');
  const byClock = await timeAlone(gpu, dispatches, 'wall');
  // The machine may be busy, and the piece takes a fraction of a millisecond. So this only catches a wrong unit, or the
  // time of a hundred repetitions in place of one.
  expect(byClock / byTimestamps).toBeGreaterThan(0.03);
  expect(byClock / byTimestamps).toBeLessThan(30);
});

gpuTest('copies into textures, whole or in part, are counted and timed by repeating them', async () => {
  const [texture, buffer] = [gpu.pool.acquireTexture(1024, 512), gpu.pool.acquire(1024 * 512 * 16)];
  const one = await timeCopies(gpu, () => copyToTexture(gpu, buffer, texture, { texels: 5 }));
  expect(one).toEqual({ count: 1, bytes: 80, ms: expect.any(Number) });
  const two = await timeCopies(gpu, () => {
    copyToTexture(gpu, buffer, texture);
    copyToTexture(gpu, buffer, texture, { texels: 5 });
  });
  expect([two.count, two.bytes]).toEqual([2, texture.size + 80]);
  expect(two.ms).toBeGreaterThan(0);
  expect(await timeCopies(gpu, () => twoFills())).toEqual({ count: 0, bytes: 0, ms: 0 });
  for (const pooled of [texture, buffer]) gpu.pool.release(pooled);
});
