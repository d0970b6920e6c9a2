/** confusion.png and top-losses.png: figures, names of any kind, and many classes. */
import { expect, test } from 'vitest';
import { type Confusion, confusionCanvas } from '../../src/pictures/confusion.ts';
import { topLossesCanvas } from '../../src/pictures/top-losses.ts';
import { HARD_NAMES, hasWhiteEdge, noise, pixelsOf } from './support.ts';

const by = 'by the best weights on val: 7 of 10 right';
const textsOf = async (confusion: Confusion) => (await confusionCanvas(confusion)).texts.map(({ text }) => text);

/** Only right answers, one for each class, and then these: truth, answer, count. */
function matrix(size: number, ...wrong: readonly (readonly [number, number, number])[]): number[][] {
  const rows = Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => Number(i === j)));
  for (const [truth, answer, count] of wrong) rows[truth]![answer] = count;
  return rows;
}

test('each count stands in its cell; only zeros of the diagonal are written', async () => {
  const classes = ['ant', 'bee', 'beetle'];
  const canvas = await confusionCanvas({
    classes,
    by,
    confusion: [
      [5, 0, 1],
      [0, 2, 0],
      [0, 2, 0],
    ],
  });
  const figures = canvas.texts.filter(({ text }) => /^\d+$/.test(text));
  expect(figures.map(({ text }) => text)).toEqual(['5', '1', '2', '2', '0']);
  // Rows are truths: the 5 and the 1 stand beside each other, left of and above the others.
  const [five, one, two, taken, zero] = figures.map(({ box }) => box!);
  expect(one!.left).toBeGreaterThan(five!.right);
  expect(Math.abs(one!.top - five!.top)).toBeLessThan(2);
  expect(taken!.top).toBeGreaterThan(two!.bottom);
  expect(Math.abs(taken!.left - two!.left)).toBeLessThan(2);
  expect(zero!.left).toBeGreaterThan(taken!.right);
  for (const text of ['Truths and answers', by, ...classes])
    expect(canvas.texts.map((one) => one.text)).toContain(text);
  expect(hasWhiteEdge(await pixelsOf(await canvas.png()))).toBe(true);
});

test('names of any kind and length keep inside the picture', async () => {
  const classes = [...HARD_NAMES];
  const canvas = await confusionCanvas({ classes, by, confusion: matrix(classes.length) });
  expect(hasWhiteEdge(await pixelsOf(await canvas.png()))).toBe(true);
});

test('of many classes those with the most wrong answers are shown, and all others together', async () => {
  const classes = Array.from({ length: 100 }, (_, i) => `class ${i}`);
  const confusion = matrix(100, [70, 3, 12345], [99, 98, 2]);
  const texts = await textsOf({ classes, by, confusion });
  for (const name of ['class 3', 'class 70', 'class 98', 'class 99', 'all others']) expect(texts).toContain(name);
  expect(texts.filter((text) => /^class \d/.test(text)).length).toBe(23);
  // No picture is lost: 23 on the diagonal and 77 others, and the wrong ones.
  const counts = texts.filter((text) => /^\d+$/.test(text)).map(Number);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(100 + 12345 + 2);
});

test('the largest losses: truth, answer and loss above each picture, wrong ones marked', async () => {
  const picture = noise(32);
  const answers = [
    { picture, predicted: 'bee', actual: 'ant', probability: 0.9, loss: 4.25 },
    { picture, predicted: 'ant', actual: 'ant', probability: 0.6, loss: 0.5108 },
  ];
  const canvas = await topLossesCanvas({ answers, split: 'test', by: 'by x' });
  const texts = canvas.texts.map(({ text }) => text);
  expect(texts).toEqual([
    'The largest losses on test',
    'by x: 1 of these 2 wrong',
    'predicted: bee',
    '✗ 90.0 % sure; loss 4.25; is: ant',
    'predicted: ant',
    '✓ 60.0 % sure; loss 0.51',
  ]);
});
