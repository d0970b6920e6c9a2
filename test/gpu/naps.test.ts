/** Waiting for Dawn: its busy loop is slowed down only while a caller waits. */
import { expect, test } from 'vitest';
import { napUntil } from '../../src/gpu/naps.ts';

/** Counts turns of the event loop until `ended`, polling as Dawn's binding does while a promise is pending. */
function poll(ended: () => boolean): Promise<number> {
  return new Promise((resolve) => {
    let turns = 0;
    const turn = () => {
      if (ended()) resolve(turns);
      else {
        turns++;
        setImmediate(turn);
      }
    };
    turn();
  });
}

/** Counts turns of the event loop within `ms` milliseconds. */
function turnsIn(ms: number): Promise<number> {
  const end = performance.now() + ms;
  return poll(() => performance.now() >= end);
}

test('each turn of the loop takes a nap during the wait, and none after it', async () => {
  const start = performance.now();
  const turns = await napUntil(turnsIn(60));
  const waited = performance.now() - start;
  // Naps take 0.1 ms until 1.6 ms have passed, then a sixteenth of the time so far. One turn comes before the first
  // nap.
  expect(turns).toBeLessThanOrEqual(16 + Math.log(waited / 1.6) / Math.log(17 / 16) + 2);
  expect(turns).toBeGreaterThan(1);
  // A turn without a nap takes microseconds.
  expect(await turnsIn(60)).toBeGreaterThan(2 * turns);
});

test('several callers can wait at once', async () => {
  const later = (ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms));
  const start = performance.now();
  expect(await Promise.all([napUntil(later(40)), napUntil(later(5))])).toEqual([40, 5]);
  expect(performance.now() - start).toBeGreaterThanOrEqual(39);
  expect(await napUntil(later(5))).toBe(5);
});

test('a rejection is passed on, and the naps end', async () => {
  await expect(napUntil(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  expect(await turnsIn(60)).toBeGreaterThan(1000);
});
