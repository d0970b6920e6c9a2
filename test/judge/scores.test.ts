/** The figures of a judgement, worked out by hand. `verify scores` compares them with scikit-learn's. */
import { expect, test } from 'vitest';
import { crossEntropyOf, judge, reachOf, softmax, wilsonInterval } from '../../src/judge/index.ts';
import { BEETLE, sure } from './support.ts';

test('a class that is never recognised, and one without pictures', () => {
  const scores = judge(BEETLE);
  expect(scores).toMatchObject({ count: 18, right: 13, accuracy: 13 / 18 });
  expect(scores.confusion).toEqual([
    [8, 0, 0, 0],
    [2, 5, 1, 0],
    [0, 2, 0, 0],
    [0, 0, 0, 0],
  ]);
  const [ant, bee, beetle, wasp] = scores.classes;
  expect(ant).toEqual({ name: 'ant', count: 8, right: 8, answered: 10, precision: 0.8, recall: 1, f1: 16 / 18 });
  expect(bee).toMatchObject({ count: 8, right: 5, answered: 7, precision: 5 / 7, recall: 5 / 8, f1: 10 / 15 });
  expect(beetle).toMatchObject({ count: 2, right: 0, answered: 1, precision: 0, recall: 0, f1: 0 });
  expect(wasp).toMatchObject({ count: 0, right: 0, answered: 0, precision: 0, recall: 0, f1: 0 });
  // The wasp does not count here, but in the macro average, as in scikit-learn.
  expect(scores.balancedAccuracy).toBeCloseTo((1 + 5 / 8 + 0) / 3, 15);
  expect(scores.averages.macro.recall).toBeCloseTo((1 + 5 / 8 + 0 + 0) / 4, 15);
  expect(scores.averages.weighted.precision).toBeCloseTo((8 * 0.8 + 8 * (5 / 7)) / 18, 15);
  expect(scores.averages.micro).toEqual({ precision: 13 / 18, recall: 13 / 18, f1: 13 / 18 });
});

test('answers: in the order of the pictures, with their loss and the likeliest classes', () => {
  const { answers, loss } = judge(BEETLE);
  expect(answers).toHaveLength(18);
  const last = answers.at(-1)!;
  expect(last).toMatchObject({ path: 'val/beetle/17.jpg', truth: 'beetle', answer: 'bee', right: false });
  expect(last.probability).toBe(0.9);
  expect(last.loss).toBeCloseTo(-Math.log(0.1 / 3), 12);
  expect(last.top.map(({ name }) => name)).toEqual(['bee', 'ant', 'beetle', 'wasp']);
  expect(loss).toBeCloseTo((-13 * Math.log(0.9) - 5 * Math.log(0.1 / 3)) / 18, 12);
});

test('among equals the lower index is the answer', () => {
  const { answers } = judge({ classes: ['a', 'b'], paths: ['x'], truths: [1], probabilities: [0.5, 0.5] });
  expect(answers[0]).toMatchObject({ answer: 'a', right: false });
});

test('top-k counts pictures whose class is among the k likeliest; k stays below the number of classes', () => {
  const classes = ['a', 'b', 'c', 'd'];
  const row = [0.4, 0.3, 0.2, 0.1];
  const { topK } = judge({
    classes,
    paths: classes,
    truths: [0, 1, 2, 3],
    probabilities: [...row, ...row, ...row, ...row],
  });
  expect(topK).toEqual([
    { k: 1, accuracy: 0.25 },
    { k: 2, accuracy: 0.5 },
    { k: 3, accuracy: 0.75 },
  ]);
  expect(judge(sure(['a', 'b'], [['a', 'a']])).topK).toEqual([{ k: 1, accuracy: 1 }]);
});

test('calibration: answers of 0.9 that are right in 13 of 18 cases', () => {
  const { ece, calibration } = judge(BEETLE);
  expect(ece).toBeCloseTo(0.9 - 13 / 18, 12);
  expect(calibration).toHaveLength(15);
  expect(calibration[13]).toMatchObject({ from: 13 / 15, to: 14 / 15, count: 18, accuracy: 13 / 18 });
  // A bin has its upper edge and not its lower one.
  const edge = judge({ classes: ['a', 'b'], paths: ['x'], truths: [0], probabilities: [9 / 15, 6 / 15] });
  expect(edge.calibration.findIndex(({ count }) => count === 1)).toBe(8);
});

test('no picture gives zeros and an interval that knows nothing', () => {
  const scores = judge({ classes: ['a', 'b'], paths: [], truths: [], probabilities: [] });
  expect(scores).toMatchObject({ count: 0, accuracy: 0, interval: [0, 1], ece: 0, loss: 0, balancedAccuracy: 0 });
});

test('what does not fit is refused', () => {
  const set = sure(['a', 'b'], [['a', 'a']]);
  expect(() => judge({ ...set, truths: [0, 1] })).toThrow(
    /a truth and 2 probabilities for each of 1 pictures, found 2 truths/,
  );
  expect(() => judge({ ...set, truths: [2] })).toThrow(/val\/a\/0\.jpg: expected a class from 0 to 1, found 2/);
  expect(() => judge({ ...set, probabilities: [Number.NaN, 1] })).toThrow(
    /expected probabilities from 0 to 1, found NaN/,
  );
  expect(() => judge({ ...set, losses: [1, 2] })).toThrow(/expected a truth/);
});

// Newcombe 1998, table I, method 3.
test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])('Wilson: %i of %i', (right, count, low, high) => {
  const interval = wilsonInterval(right, count);
  expect(interval[0]).toBeCloseTo(low, 4);
  expect(interval[1]).toBeCloseTo(high, 4);
  expect(reachOf(interval)).toBeCloseTo((high - low) / 2, 4);
  // As many wrong ones: the mirror image.
  const [from, to] = wilsonInterval(count - right, count);
  expect([1 - to, 1 - from]).toEqual([expect.closeTo(interval[0], 12), expect.closeTo(interval[1], 12)]);
});

test('the loss of scores is exact where probabilities round to 0', () => {
  expect(crossEntropyOf([0, 1000], 0)).toBe(1000);
  const scores = [1.5, -2, 0.25];
  for (const label of [0, 1, 2])
    expect(crossEntropyOf(scores, label)).toBeCloseTo(-Math.log(softmax(scores)[label]!), 12);
  const { answers } = judge({ classes: ['a', 'b'], paths: ['x'], truths: [0], probabilities: [0, 1], losses: [1000] });
  expect(answers[0]!.loss).toBe(1000);
});
