/** `npm run data -- check` on a drawn folder with all that people have in theirs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../src/cli/data.ts';
import type { DataReport } from '../../src/train/index.ts';
import { drawMessyFolder } from '../support/messy-data.ts';

let root: string;
beforeAll(async () => {
  root = await drawMessyFolder(join(mkdtempSync(join(tmpdir(), 'dawngrad-data-')), 'insects'));
});
afterAll(() => rmSync(join(root, '..'), { recursive: true }));

async function run(...args: string[]) {
  let [stdout, stderr] = ['', ''];
  const io = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
  };
  const code = await main(args, io);
  return { code, stdout, stderr };
}

test('the table tells each thing', async () => {
  const { code, stdout } = await run('check', root, '--threads', '0');
  expect(code).toBe(1);
  for (const line of [
    /^.*insects: class folders$/,
    /^Nobody has divided them, so 20 % of each class are val/,
    /^bee +20 +4 +24$/,
    /^beetle +6 +2 +8$/,
    /^\(without 1 that cannot be read\)$/,
    /^Formats: PNG 28, JPEG 2, AVIF 1, HEIC 1$/,
    /^Sizes: 12×9 to 64×48|^Sizes: 12×9 to 48×64/,
    /^Smaller than 32 pixels, so a blur to the network: beetle\/tiny\.png$/,
    /^Stored on their side or mirrored, and turned upright as they say: 1$/,
    /^ {2}1 GIF: bee\/moving\.gif \(convert them to PNG/,
    /^ {2}1 drawing \(SVG, PDF\): bee\/icon\.svg/,
    /^ {2}1 film, .*: bee\/live\.mov/,
    /^ {2}1 picture beside the class folders: loose\.png/,
    /^ {2}1 file that is no picture: bee\/notes\.txt/,
    /^ {2}2 hidden folders and \._ files: bee\/\.ipynb_checkpoints, bee\/\._00\.png/,
    /^Cannot be read: 1; train stops at them/,
    /^ {2}\S*bee\/broken\.png: the image file is truncated or damaged/,
    /^The same file more than once: 2$/,
    /^ {2}bee\/00\.png \((train|val)\), bee\/copy\.png \(\1\)$/,
    /^ {2}bee\/02\.png \((train|val)\), beetle\/wrong\.png \(\1\): different classes$/,
    /^Look alike .*: 1$/,
    /^ {2}bee\/01\.png \((train|val)\), bee\/smaller\.jpg \(\1\)$/,
    /^Warning: Labels contradict: .*bee\/02\.png = beetle\/wrong\.png/,
    /^Warning: Classes are unequal: 20 of bee, 6 of beetle/,
  ]) {
    expect(
      stdout.split('\n').filter((one) => line.test(one)),
      String(line),
    ).toHaveLength(1);
  }
});

test('the document shows what is printed, as far as it goes', async () => {
  const { stdout } = await run('check', root, '--threads', '0');
  const document = readFileSync(new URL('../../docs/your-own-pictures.md', import.meta.url), 'utf8');
  const shown = /```\n(insects: class folders\n[^`]*?) {2}…\n```/.exec(document)?.[1];
  expect(stdout.slice(stdout.indexOf('insects: class folders')).startsWith(shown ?? 'nothing')).toBe(true);
});

test('--json has the same', async () => {
  const { stdout } = await run('check', root, '--json', '--threads', '0', '--val-split', '0.5', '--seed', '3');
  const report = JSON.parse(stdout) as DataReport;
  expect(report).toMatchObject({
    ...{ layout: 'classes', divided: { valSplit: 0.5, seed: 3 }, valIsTest: false, turned: 1 },
    classes: [{ name: 'bee' }, { name: 'beetle', train: 4, val: 4, test: 0 }],
    formats: { png: 28, jpeg: 2, avif: 1, heic: 1 },
    small: ['beetle/tiny.png'],
    broken: [{ name: 'bee/broken.png' }],
  });
  expect(report.alike).toHaveLength(3);
  expect(report.alike.some(({ crosses }) => crosses)).toBe(false);
});

test.each([
  [[], /expected check <folder>, found nothing/],
  [['check'], /expected a folder or list, found none/],
  [['check', '/no/such'], /no such folder/],
  [['check', '/no/such.csv'], /no such list/],
  [['check', '.', '--val-split', '1'], /--val-split: expected a share between 0 and 1, such as 0\.2, found 1/],
])('%j is wrong usage', async (args, message) => {
  const { code, stderr } = await run(...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
