/** The picture of a search of the learning rate. */
import { expect, test } from 'vitest';
import { drawSearch, searchCanvas } from '../../src/pictures/search.ts';
import { hasWhiteEdge, pixelsOf } from './support.ts';

const points = Array.from({ length: 60 }, (_, i) => ({
  lr: 1e-7 * 10 ** (i / 10),
  loss: i < 50 ? 1 - i / 100 : 0.5 + (i - 49) ** 2,
}));

test('is drawn up to where the loss explodes, without fonts, and nothing is cut off', async () => {
  const canvas = await searchCanvas({ points, suggested: 1e-4, steepest: 1e-3 });
  expect(canvas.svg()).not.toMatch(/<text|<style|font-family|NaN/);
  expect(canvas.texts.map(({ text }) => text)).toEqual([
    'Loss over the learning rate',
    'suggested 1.0e-4, half-way down the longest fall (line); steepest fall at 1.0e-3 (dots)',
    'learning rate (smoothed loss, each point one update)',
  ]);
  expect(hasWhiteEdge(await pixelsOf(await canvas.png()), 16)).toBe(true);
});

test('without a suggestion says so, also of one point', async () => {
  const canvas = await searchCanvas({ points: points.slice(0, 1), suggested: null, steepest: null });
  expect(canvas.texts.map(({ text }) => text)).toContain('The loss does not fall at any rate: nothing is suggested.');
  expect(canvas.svg()).not.toContain('NaN');
  expect((await drawSearch({ points: points.slice(0, 2), suggested: null, steepest: null })).length).toBeGreaterThan(0);
});
