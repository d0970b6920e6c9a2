/** judgement.json: its form is a promise to whoever reads it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { FileError } from '../../src/errors.ts';
import { judgementJson, readJudgement } from '../../src/judge/index.ts';
import { JUDGEMENT } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawngrad-judge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'judgement.json');

test('what is written is read again, and has these keys', () => {
  const text = judgementJson(JUDGEMENT);
  writeFileSync(path, text);
  expect(readJudgement(path)).toEqual(JUDGEMENT);
  expect(Object.keys(JSON.parse(text))).toEqual([
    ...['version', 'data', 'split', 'weights', 'epoch', 'count', 'right', 'accuracy', 'interval', 'balancedAccuracy'],
    ...['loss', 'ece', 'calibration', 'topK', 'averages', 'classes', 'confusion', 'answers'],
  ]);
  // A line for each answer, so that files can be compared.
  expect(text.split('\n').filter((line) => line.includes('"truth"'))).toHaveLength(18);
});

test('keys of a later program are no reason to refuse a file', () => {
  writeFileSync(path, JSON.stringify({ ...JUDGEMENT, later: 1 }));
  expect(readJudgement(path)).toEqual(JUDGEMENT);
});

test.each([
  ['no JSON', '{', /is no judgement of version 1 \(.*JSON.*\)\. Remove it; `eval --out/],
  ['another version', JSON.stringify({ ...JUDGEMENT, version: 2 }), /is no judgement of version 1 \(version: /],
  ['a share above 1', JSON.stringify({ ...JUDGEMENT, accuracy: 2 }), /\(accuracy: /],
  ['a missing row', JSON.stringify({ ...JUDGEMENT, confusion: [[1]] }), /confusion: expected 4 rows/],
  ['something else', '[]', /is no judgement/],
])('%s is refused, naming the file', (_, text, message) => {
  writeFileSync(path, text);
  expect(() => readJudgement(path)).toThrow(FileError);
  expect(() => readJudgement(path)).toThrow(message);
  expect(() => readJudgement(path)).toThrow(path);
});
