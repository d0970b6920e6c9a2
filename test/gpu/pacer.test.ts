/** How long waiting sleeps, on a clock that the test holds. */

import { describe, expect, test } from 'vitest';
import { Pacer } from '../../src/gpu/pacer.ts';

/** A pacer that has seen a first step, which teaches nothing, end at 0, and one of `duration` ms after it. */
function taught(duration: number): Pacer {
  const pacer = new Pacer();
  pacer.finished('step', -5000, -5000, 0);
  pacer.finished('step', 0, 0, duration);
  return pacer;
}

describe('Pacer', () => {
  test('does not sleep before it has seen work of a label end twice: the first compiles shaders', () => {
    const pacer = new Pacer();
    expect(pacer.sleepFor('step', 0, 0)).toBe(0);
    pacer.finished('step', 0, 0, 30_000);
    expect(pacer.sleepFor('step', 30_000, 30_000)).toBe(0);
    pacer.finished('step', 30_000, 30_000, 30_100);
    expect(pacer.sleepFor('step', 30_100, 30_100)).toBeCloseTo(90);
    expect(pacer.sleepFor('other', 30_100, 30_100)).toBe(0);
  });

  test('sleeps most of what the work took before, counted from its submission', () => {
    const pacer = taught(100);
    expect(pacer.sleepFor('step', 200, 200)).toBeCloseTo(90);
    expect(pacer.sleepFor('step', 200, 250)).toBeCloseTo(40);
    expect(pacer.sleepFor('step', 200, 400)).toBe(0);
  });

  test('sleeps all of it where more work waits behind', () => {
    expect(taught(100).sleepFor('step', 200, 250, true)).toBeCloseTo(50);
  });

  test('work behind other work begins when that ends', () => {
    const pacer = taught(100);
    // Submitted at 50, while the one before still ran; so its 100 ms began at 100.
    expect(pacer.sleepFor('step', 50, 110)).toBeCloseTo(80);
    pacer.finished('step', 50, 190, 200);
    expect(pacer.sleepFor('step', 200, 200)).toBeCloseTo(90);
  });

  test('a shorter time counts at once, a longer one slowly', () => {
    const pacer = taught(100);
    pacer.finished('step', 100, 140, 150);
    expect(pacer.sleepFor('step', 1000, 1000)).toBeCloseTo(45);
    pacer.finished('step', 1000, 1045, 1150);
    // 50 + a fifth of the 100 more.
    expect(pacer.sleepFor('step', 2000, 2000)).toBeCloseTo(63);
  });

  test('an answer at once shows that it slept too long, and the estimate falls quickly', () => {
    const pacer = taught(1000);
    let now = 1000;
    let slept = 0;
    for (let step = 0; step < 10; step++) {
      // The work takes 100 ms, so until the estimate is below 111 ms it has ended before we ask.
      slept = pacer.sleepFor('step', now, now);
      const askedAt = now + slept;
      const end = Math.max(now + 100, askedAt + 0.1);
      pacer.finished('step', now, askedAt, end);
      now = end;
    }
    expect(slept).toBeLessThan(100);
    expect(slept).toBeGreaterThan(40);
  });
});
