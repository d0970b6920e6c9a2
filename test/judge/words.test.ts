/** What a terminal is told of a judgement. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { judge, judgementWords, warningsOf, worstClasses } from '../../src/judge/index.ts';
import { BEETLE, JUDGEMENT, sure, times } from './support.ts';

test('accuracy with its interval, a table, the worst classes, and what to be careful about', () => {
  expect(judgementWords(JUDGEMENT).split('\n')).toEqual([
    'Judged on val (weights of epoch 3): 13 of 18 right, 72.2 % (95 % interval: 49.1 to 87.5 %)',
    'Balanced accuracy: 54.2 %. Calibration error (ECE): 17.8 points.',
    'class    right  recall  precision     F1',
    'ant     8 of 8   1.000      0.800  0.889',
    'bee     5 of 8   0.625      0.714  0.667',
    'beetle  0 of 2   0.000      0.000  0.000',
    'wasp    0 of 0   0.000      0.000  0.000',
    'Worst: beetle: 0 of 2 right, taken for bee',
    '       bee: 5 of 8 right, taken for ant (2), beetle (1)',
    'Not one picture was recognised of: beetle.',
    'Not judged, as val has no picture of them: wasp.',
    '18 pictures are too few to tell how good it is: the accuracy is uncertain by ± 19.2 points. Judge more pictures.',
    '',
  ]);
});

test('docs/judging.md shows these lines', () => {
  const doc = readFileSync(new URL('../../docs/judging.md', import.meta.url), 'utf8');
  expect(doc).toContain(`\n\`\`\`\n${judgementWords(JUDGEMENT)}\`\`\`\n`);
});

test('many pictures that are all right need no warning', () => {
  const scores = judge(sure(['a', 'b'], [...times(40, ['a', 'a'] as const), ...times(40, ['b', 'b'] as const)]));
  expect(worstClasses(scores)).toEqual([]);
  expect(warningsOf(scores, 'val')).toEqual([]);
});

test('an interval of ± 10 points is the limit', () => {
  const half = (count: number) =>
    judge(sure(['a', 'b'], [...times(count, ['a', 'a'] as const), ...times(count, ['b', 'a'] as const)]));
  const tooFew = (count: number) => warningsOf(half(count), 'val').some((line) => line.includes('too few'));
  // 1.96 / (2 √(n + 1.96²)) = 0.1 for n = 92.2
  expect([46, 47].map(tooFew)).toEqual([true, false]);
});

test('of many classes the table has the worst, and says how many more there are', () => {
  const names = Array.from({ length: 30 }, (_, i) => `class ${i}`);
  const answers = names.map((name, i) => [name, i === 17 ? 'class 3' : name] as const);
  const lines = judgementWords({ ...JUDGEMENT, ...judge(sure(names, answers)) }).split('\n');
  expect(lines[3]).toMatch(/^class 17 +0 of 1/);
  expect(lines).toContain('and 10 more classes, which do better');
});

test('names from files are printed safely, and wide letters keep the columns', () => {
  const names = ['\u001b[31mred', '中文', 'b'];
  const scores = judge(
    sure(names, [
      ['\u001b[31mred', 'b'],
      ['中文', '中文'],
      ['b', 'b'],
    ]),
  );
  const text = judgementWords({ ...JUDGEMENT, ...scores });
  expect(text).not.toContain('\u001b');
  const [red, wide] = text.split('\n').slice(3);
  // Each of the two letters takes two columns.
  expect(wide!.length).toBe(red!.length - 2);
  expect(worstClasses(judge(BEETLE), 1)).toEqual(['beetle: 0 of 2 right, taken for bee']);
});
