import { describe, expect, test } from 'vitest';
import { median, quantile, sum } from '../../bench/statistics.ts';

describe('median', () => {
  test('of an odd number of values is the middle one, in whatever order they come', () => {
    expect(median([30, 1, 2])).toBe(2);
  });

  test('of an even number of values is half-way between the middle two', () => {
    expect(median([4, 1, 100, 2])).toBe(3);
  });

  test('compares numbers, not texts, and leaves the array as it was', () => {
    const values = [9, 10, 11, 100, 2];
    expect(median(values)).toBe(10);
    expect(values).toEqual([9, 10, 11, 100, 2]);
  });

  test('of nothing is an error', () => expect(() => median([])).toThrow('at least one value'));
});

test('quantiles interpolate between neighbours', () => {
  expect(quantile([0, 10, 20, 30], 0.25)).toBe(7.5);
  expect(quantile([0, 10, 20, 30], 0)).toBe(0);
  expect(quantile([0, 10, 20, 30], 1)).toBe(30);
  expect(quantile([5], 0.75)).toBe(5);
  expect(() => quantile([1], 1.5)).toThrow(RangeError);
});

test('sum', () => expect([sum([]), sum([1, 2, 3.5])]).toEqual([0, 6.5]));
