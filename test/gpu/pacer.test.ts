/** How long waiting sleeps, on a clock that the test holds. */

import { describe, expect, test } from 'vitest';
import { Pacer } from '../../src/gpu/pacer.ts';

describe('Pacer', () => {
  test('does not sleep before it has seen work of a label end', () => {
    const pacer = new Pacer();
    expect(pacer.sleepFor('step', 0, 0)).toBe(0);
    pacer.finished('step', 0, 100);
    expect(pacer.sleepFor('other', 100, 100)).toBe(0);
  });

  test('sleeps most of what the work took before, counted from its submission', () => {
    const pacer = new Pacer();
    pacer.finished('step', 0, 100);
    expect(pacer.sleepFor('step', 200, 200)).toBeCloseTo(90);
    expect(pacer.sleepFor('step', 200, 250)).toBeCloseTo(40);
    expect(pacer.sleepFor('step', 200, 400)).toBe(0);
  });

  test('work behind other work begins when that ends', () => {
    const pacer = new Pacer();
    pacer.finished('step', 0, 100);
    // Submitted at 50, while the first still ran; so its 100 ms began at 100.
    expect(pacer.sleepFor('step', 50, 110)).toBeCloseTo(80);
    pacer.finished('step', 50, 200);
    expect(pacer.sleepFor('step', 200, 200)).toBeCloseTo(90);
  });

  test('a shorter time counts at once, a longer one slowly', () => {
    const pacer = new Pacer();
    pacer.finished('step', 0, 100);
    pacer.finished('step', 100, 150);
    expect(pacer.sleepFor('step', 1000, 1000)).toBeCloseTo(45);
    pacer.finished('step', 1000, 1150);
    // 50 + a fifth of the 100 more.
    expect(pacer.sleepFor('step', 2000, 2000)).toBeCloseTo(63);
  });
});
