/** The watchdog ends only waits that take too long. */
import { expect, test } from 'vitest';
import { WatchdogError } from '../../src/gpu/errors.ts';
import { Watchdog } from '../../src/gpu/watchdog.ts';

test('a promise that is never settled is an error that names the limit', async () => {
  const error = await new Watchdog(0.01).watch(new Promise(() => {})).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(WatchdogError);
  expect(error).toMatchObject({ seconds: 0.01 });
  expect((error as Error).message).toMatch(/no result for 0\.01 seconds.*--watchdog/);
});

test('results and errors pass, and nothing waits for the limit', async () => {
  const watchdog = new Watchdog(1_000_000);
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const waiting = watchdog.watch(new Promise((resolve) => setImmediate(() => resolve(7))));
  expect(timers()).toBe(before + 1);
  expect(await waiting).toBe(7);
  await expect(watchdog.watch(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  expect(timers()).toBe(before);
});

test('0 is no limit', async () => {
  const promise = Promise.resolve(1);
  expect(await new Watchdog(0).watch(promise)).toBe(1);
  const outcome = await Promise.race([
    new Watchdog(0).watch(new Promise(() => {})),
    new Promise((r) => setTimeout(r, 20, 'waits')),
  ]);
  expect(outcome).toBe('waits');
});
