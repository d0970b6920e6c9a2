import { expect, test } from 'vitest';
import { figure, formatTable, percent } from '../../bench/table.ts';

test('numbers stand under one another, words begin at one place, lines have no trailing blanks', () => {
  const columns = [
    { title: 'kernel', align: 'left' },
    { title: 'ms', align: 'right' },
    { title: 'shape', align: 'left' },
  ] as const;
  const rows = [
    ['relu', '1.25', '4x64'],
    ['conv2d_rows', '12.5', ''],
  ];
  expect(formatTable(columns, rows)).toBe(
    ['kernel         ms  shape', '-----------  ----  -----', 'relu         1.25  4x64', 'conv2d_rows  12.5'].join('\n'),
  );
});

test('a row with a cell too few is an error', () => {
  expect(() => formatTable([{ title: 'a', align: 'left' }], [[]])).toThrow('0 cells, the table 1 columns');
});

test('figures have three digits, or all that stand before the point', () => {
  const figures = [0.000812, 0.0123, 1.234, 12.34, 123.4, 4921.7, 3, 0].map(figure);
  expect(figures).toEqual(['0.000812', '0.0123', '1.23', '12.3', '123', '4922', '3', '0']);
});

test('shares are percent, small ones with a decimal', () => {
  expect([0.005, 0.0741, 0.0994, 0.1, 0.93, 1.184].map(percent)).toEqual([
    '0.5 %',
    '7.4 %',
    '9.9 %',
    '10 %',
    '93 %',
    '118 %',
  ]);
});
