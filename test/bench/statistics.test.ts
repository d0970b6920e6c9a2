/** Quantiles and medians. */
import { expect, test } from 'vitest';
import { median, quantile } from '../../bench/statistics.ts';

test('the median compares values numerically and leaves the array unchanged', () => {
  const values = [9, 10, 11, 100, 2];
  expect(median(values)).toBe(10);
  expect(values).toEqual([9, 10, 11, 100, 2]);
  expect(median([4, 1, 100, 2])).toBe(3);
  expect(() => median([])).toThrow('at least one value');
});

test('quantiles interpolate between neighbours', () => {
  expect([0.25, 0, 1].map((q) => quantile([0, 10, 20, 30], q))).toEqual([7.5, 0, 30]);
  expect(quantile([5], 0.75)).toBe(5);
  expect(() => quantile([1], 1.5)).toThrow(RangeError);
});
