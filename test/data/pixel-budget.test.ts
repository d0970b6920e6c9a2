/** Threads share the pixels that may be decoded at once. */
import { Worker } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import { PixelBudget } from '../../src/data/pixel-budget.ts';

// Starting a thread from sources takes a second or more while other tests keep the processors busy.
vi.setConfig({ testTimeout: 60_000 });

const FREE = 0;

test('a thread takes and gives back; more than all means all', () => {
  const { memory, total } = PixelBudget.create(100, 2);
  const [a, b] = [0, 1].map((thread) => new PixelBudget(memory, total, thread));
  a!.take(60);
  b!.take(40);
  expect([...memory]).toEqual([0, 60, 40]);
  a!.release();
  a!.release();
  b!.release();
  a!.take(Number.POSITIVE_INFINITY);
  expect([...memory]).toEqual([0, 100, 0]);
});

test('a thread that finds too little waits until enough is free', async () => {
  const { memory, total } = PixelBudget.create(100, 2);
  const mine = new PixelBudget(memory, total, 0);
  mine.take(60);
  const script = new URL('./waits-for-pixels.mjs', import.meta.url);
  const worker = new Worker(script, { workerData: memory, execArgv: [] });
  const messages: string[] = [];
  const next = () => new Promise<string>((resolve) => worker.once('message', resolve));
  messages.push(await next());
  expect(Atomics.load(memory, FREE)).toBe(40);
  const large = next();
  mine.release();
  messages.push(await large);
  expect(messages).toEqual(['small', 'large']);
  expect([...memory]).toEqual([59, 0, 41]);
  await worker.terminate();
});

test('a closed pool ends the wait', () => {
  const { memory, total } = PixelBudget.create(10, 2);
  new PixelBudget(memory, total, 0).take(10);
  const stop = Int32Array.of(1);
  expect(() => new PixelBudget(memory, total, 1, stop).take(1)).toThrow(/closed/);
});
