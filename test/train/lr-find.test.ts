/** The search of a learning rate: its rule, what it leaves behind, and what the command says. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { searchAnswer, searchNotes } from '../../src/cli/train-report/search-lines.ts';
import { findLearningRate, train } from '../../src/train/index.ts';
import { suggestRate } from '../../src/train/lr-find.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJson, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();

describe('suggestRate', () => {
  const curve = (count: number, loss: (i: number) => number) =>
    Array.from({ length: count }, (_, i) => ({ lr: 1e-7 * 1e8 ** (i / 100), loss: loss(i) }));

  // The rates that fastai's valley gives for these losses.
  test.each([
    [
      'a bowl whose end explodes',
      curve(95, (i) => {
        const bowl = 2 - 1.2 * Math.exp(-(((i - 70) / 18) ** 2)) + 0.01 * Math.sin(i * 1.7);
        return bowl + (i < 80 ? 0 : (i - 80) ** 2 / 100);
      }),
      0.0006918309709189362,
    ],
    [
      'waves with noise',
      curve(100, (i) => 1 + 0.3 * Math.sin(i / 7) + 0.02 * ((i * 37) % 11) - i * 0.004),
      0.03981071705534969,
    ],
  ])('of %s', (_, points, expected) => {
    const { suggested, steepest } = suggestRate(points);
    expect(suggested).toBeCloseTo(expected, 12);
    const least = points.slice(10, -5).reduce((a, b) => (b.loss < a.loss ? b : a));
    expect(steepest).toBeLessThanOrEqual(least.lr);
  });

  test('of losses that never fall is none', () => {
    expect(suggestRate(curve(100, (i) => 1 + i))).toEqual({ suggested: null, steepest: null });
    expect(suggestRate(curve(8, (i) => -i))).toEqual({ suggested: null, steepest: null });
  });
});

gpuTest(
  'leaves a picture and numbers, and a folder that a run may use',
  async () => {
    const data = await drawPictures(join(root, 'data'));
    const out = join(root, 'run');
    const options = { ...TINY, data, out, gpu, mode: 'extract', batchSize: 5, accumulate: 2, pictures: false } as const;
    const before = gpu.pool.liveBytes;
    let steps = 0;
    const result = await findLearningRate({ ...options, reporter: { stepDone: () => steps++ } });
    expect(gpu.pool.liveBytes).toBe(before);
    expect(readdirSync(out)).toEqual(['lr-find.json']);
    const { folder, ...values } = result;
    expect(folder).toBe(out);
    expect(readJson(out, 'lr-find.json')).toEqual(values);
    const { points } = values;
    expect(points[0]!.lr).toBe(1e-7);
    expect(points.at(-1)!.lr).toBeCloseTo(1e-7 * 1e8 ** ((points.length - 1) / 100), 12);
    // 12 pictures: batches of 5, 5 and 2, of which the first two make an update, and the last another.
    expect(steps).toBeGreaterThanOrEqual(Math.floor(points.length * 1.5));
    await expect(findLearningRate({ ...options, mode: 'probe' as never })).rejects.toThrow('mode: a search is for');
    await train({ ...options, epochs: 1 }).then(({ model }) => model?.dispose());
    expect(readdirSync(out)).toContain('lr-find.json');
  },
  TRAINING_TIMEOUT,
);

test('the command tells the rate and how to go on', () => {
  const points = Array.from({ length: 80 }, (_, i) => ({ lr: i + 1, loss: 1 }));
  const result = { suggested: 0.00234, steepest: 0.05, points, diverged: true, folder: 'runs/x' };
  expect(searchAnswer(result)).toBe('Suggested learning rate: 0.0023');
  expect(searchNotes(result, ['--data', "my pictures/o'neill", '--mode', 'extract'])).toEqual([
    'It stands half-way down the longest fall of the loss, over 80 steps; it fell fastest at 0.05.',
    `Losses and rates: ${join('runs/x', 'lr-find.json')}`,
    'No weights were kept. Train with this rate:',
    `  npm run train -- --data 'my pictures/o'\\''neill' --mode extract --lr 0.0023`,
  ]);
  const none = { ...result, suggested: null, steepest: null };
  expect(searchAnswer(none)).toBe('No learning rate is suggested: the loss fell at none.');
  expect(searchNotes(none, []).join('\n')).not.toContain('--lr 0');
});
