/** What a probe tells on the terminal, beside the lines that all runs have. */
import { expect, test } from 'vitest';
import { ProbeLines } from '../../src/cli/probe-lines.ts';
import type { RunStart } from '../../src/train/index.ts';

function open(run: Pick<RunStart, 'mode' | 'featureCache'>) {
  const notes: string[] = [];
  const lines = new ProbeLines({ isTTY: false }, (text) => notes.push(text));
  lines.begin(run as RunStart);
  return { lines, notes };
}

test('tells a pass from time to time, and what it computed', () => {
  const { lines, notes } = open({ mode: 'probe', featureCache: 'somewhere' });
  lines.featuresComputed({ done: 20, total: 100, cached: 20, seconds: 0 });
  lines.featuresComputed({ done: 30, total: 100, cached: 20, seconds: 5 });
  lines.featuresComputed({ done: 45, total: 100, cached: 20, seconds: 12.5 });
  lines.featuresComputed({ done: 50, total: 100, cached: 20, seconds: 15 });
  lines.featuresComputed({ done: 100, total: 100, cached: 20, seconds: 40 });
  expect(notes).toEqual([
    'Features: 45 of 100 | 2.0 images/s | 28 s left',
    'Features: 80 computed in 40.0 s, 20 found in the cache',
  ]);
});

test('tells that nothing had to be computed', () => {
  const { lines, notes } = open({ mode: 'probe', featureCache: 'somewhere' });
  lines.featuresComputed({ done: 9, total: 9, cached: 9, seconds: 0 });
  expect(notes).toEqual(['Features: 0 computed, 9 found in the cache']);
});

test('shows some of many epochs of a probe and the last, and all of other runs', () => {
  const shown = (mode: RunStart['mode'], epochs: number) => {
    const { lines } = open({ mode });
    return Array.from({ length: epochs }, (_, epoch) => epoch).filter((epoch) => {
      lines.epochStarted(epoch, epochs);
      return !lines.hides;
    });
  };
  expect(shown('probe', 45)).toEqual([0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44]);
  expect(shown('probe', 4)).toEqual([0, 1, 2, 3]);
  expect(shown('extract', 25)).toHaveLength(25);
});

test('a stopped probe runs again, from the cache if there is one', () => {
  expect(open({ mode: 'probe', featureCache: 'somewhere' }).lines.goOn).toMatch(/Run it again.*in the cache$/);
  expect(open({ mode: 'probe' }).lines.goOn).toBe('Run it again from its beginning: a probe saves no state');
});
