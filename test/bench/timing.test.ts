import { expect } from 'vitest';
import { sum } from '../../bench/statistics.ts';
import { recordDispatches, timeAlone, timeCopies, timeDispatches, timingMethod } from '../../bench/timing.ts';
import { copyToTexture } from '../../src/kernels/conv2d/cpu/texture-copy.ts';
import { fill } from '../../src/kernels/elementwise/arithmetic.ts';
import { withGpu } from '../support/gpu.ts';
import { skipUnless } from '../support/skip.ts';

const { gpuTest, gpu } = await withGpu();
let timestamps = false;
try {
  timestamps = timingMethod(gpu) === 'timestamps';
} catch {
  // No device: gpuTest says so.
}
const timestampTest = timestamps ? gpuTest : skipUnless(false, 'This adapter has no timestamp queries.');

const COUNT = 1 << 20;

/** A fill of so many numbers. */
function oneFill(count: number) {
  const buffer = gpu.pool.acquire(count * 4);
  fill(gpu, count, 1, buffer);
  gpu.pool.release(buffer);
}

function twoFills() {
  oneFill(COUNT);
  oneFill(1);
}

gpuTest('what is recorded is every dispatch, in order, and only while it is asked for', () => {
  twoFills();
  const dispatches = recordDispatches(gpu, () => twoFills());
  twoFills();
  expect(dispatches.map(({ program }) => program.name)).toEqual(['fill', 'fill']);
  // How many workgroups the first takes depends on the adapter.
  const [first, second] = dispatches.map(({ workgroups }) => workgroups[0]);
  expect(first).toBeGreaterThan(1);
  expect(second).toBe(1);
  expect(() =>
    recordDispatches(gpu, () => {
      throw new Error('planted');
    }),
  ).toThrow('planted');
  expect(gpu.onDispatch).toBeUndefined();
});

timestampTest('each dispatch has its own time', async () => {
  const { dispatches, ms } = await timeDispatches(gpu, () => {
    for (let i = 0; i < 5; i++) twoFills();
  });
  expect(dispatches).toHaveLength(10);
  expect(ms).toHaveLength(10);
  // A million elements take longer than one, whichever of the five was held up.
  const fastest = (first: number) => Math.min(...ms.filter((_, i) => i % 2 === first));
  expect(fastest(0)).toBeGreaterThan(2 * fastest(1));
  expect(gpu.onDispatch).toBeUndefined();
});

timestampTest('more dispatches than there are timestamps are an error, not a few times too few', async () => {
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
  // The clock sees the way there and back as well; a dispatch takes milliseconds, so that is little. Half is allowed for
  // a machine that is busy with other things.
  expect(sum(ms)).toBeLessThan(wall * 1.01);
  expect(sum(ms)).toBeGreaterThan(wall * 0.5);
});

timestampTest('both methods count one piece, not all its repetitions', async () => {
  const dispatches = recordDispatches(gpu, () => twoFills());
  const byTimestamps = await timeAlone(gpu, dispatches, 'timestamps');
  const byClock = await timeAlone(gpu, dispatches, 'wall');
  // Taken at different moments of a machine that others may use, and it takes a fraction of a millisecond: this is to
  // catch a wrong unit, or the time of a hundred taken for that of one.
  expect(byClock / byTimestamps).toBeGreaterThan(0.03);
  expect(byClock / byTimestamps).toBeLessThan(30);
});

gpuTest('copies into textures are counted, whole ones and parts, and timed by repeating them', async () => {
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
