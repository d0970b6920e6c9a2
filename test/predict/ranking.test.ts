/** Softmax and the order of classes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { softmax } from '../../src/judge/index.ts';
import { likeliest } from '../../src/predict/ranking.ts';
import { expectClose } from '../support/compare.ts';

/** A few rounding errors of double. */
const ROUNDING = { atol: 0, rtol: 1e-14 };

test('probabilities are exp(score) divided by the sum of all', () => {
  const expected = [1, 2, 4].map((value) => value / 7);
  const found = softmax([Math.log(1), Math.log(2), Math.log(4)]);
  expectClose('probabilities', found, expected, ROUNDING);
});

test('scores may be far beyond the range of exp, and only differences count', () => {
  expect([...softmax([1e30, 0, -1e30])]).toEqual([1, 0, 0]);
  expect([...softmax([1000, 1000])]).toEqual([0.5, 0.5]);
  expectClose('shifted', softmax([-5000 + 1, -5000 + 2]), softmax([1, 2]), ROUNDING);
});

test('probabilities sum to 1 and have the order of the scores', () => {
  const scores = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(scores, (given) => {
      const names = given.map((_, i) => `name ${i}`);
      const ranking = likeliest(given, names, given.length);
      const sum = ranking.reduce((total, { probability }) => total + probability, 0);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-12);
      expect(ranking.map(({ index }) => given[index])).toEqual([...given].sort((a, b) => b - a));
      for (const { name, index } of ranking) expect(name).toBe(names[index]);
    }),
  );
});

test('returns the requested number, or all if there are fewer; among equals the first comes first', () => {
  const places = (scores: number[], count: number) => likeliest(scores, [...'abcd'], count).map(({ name }) => name);
  expect(places([1, 3, 3, 2], 3)).toEqual(['b', 'c', 'd']);
  expect(places([1, 3, 3, 2], 1)).toEqual(['b']);
  expect(places([0, 0, 0, 0], 9)).toEqual(['a', 'b', 'c', 'd']);
  // The last two both have probability 0.
  expect(places([0, -2000, -1000, 1], 4)).toEqual(['d', 'a', 'c', 'b']);
});
