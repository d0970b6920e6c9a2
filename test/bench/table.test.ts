/** The text of values. The tests of traffic and of the command cover tables. */
import { expect, test } from 'vitest';
import { figure, percent } from '../../bench/table.ts';

test('figures have three significant digits, or all digits before the point', () => {
  const figures = [0.000812, 0.0123, 1.234, 12.34, 123.4, 4921.7, 3, 0].map(figure);
  expect(figures).toEqual(['0.000812', '0.0123', '1.23', '12.3', '123', '4922', '3', '0']);
});

test('small percentages have a decimal', () => {
  expect([0.0741, 0.0994, 0.1, 1.184].map(percent)).toEqual(['7.4 %', '9.9 %', '10 %', '118 %']);
});
