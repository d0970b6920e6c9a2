/** The choice of the weights to keep. */
import { expect, test } from 'vitest';
import { Best } from '../../src/train/index.ts';

/** The epochs that a run with these validation accuracies keeps, in order. */
function keptEpochs(accuracies: readonly number[]): (number | null)[] {
  const best = new Best<string>('before training');
  const kept: (number | null)[] = [best.epoch];
  accuracies.forEach((acc, epoch) => {
    if (!best.isBetter(acc)) return;
    best.replace(`epoch ${epoch}`, acc, epoch);
    expect(best).toMatchObject({ state: `epoch ${epoch}`, acc, epoch });
    kept.push(epoch);
  });
  return kept;
}

test('only a strictly better state replaces the best: among equals the first stays', () => {
  expect(keptEpochs([0.5, 0.5, 0.7, 0.6, 0.7, 0.9, 0.9])).toEqual([null, 0, 2, 5]);
});

test('the state before training is the first best, with accuracy 0', () => {
  const best = new Best('before training');
  expect(best).toMatchObject({ state: 'before training', acc: 0, epoch: null });
  expect(keptEpochs([0, 0, 0])).toEqual([null]);
  expect(best.isBetter(Number.NaN)).toBe(false);
});
