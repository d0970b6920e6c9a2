/** The pages about runs: strangers' text stays text, nothing of the machine is told, and nothing can load. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/report.ts';
import { comparisonOf, RECORD_FILES, readRun, reportOf } from '../../src/report/index.ts';
import { RUN_FILES } from '../../src/train/index.ts';
import { NAMES, SECRET, writeRun } from './support.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-report-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const folder = writeRun(join(scratch, 'a'));
const other = writeRun(join(scratch, 'b'), { lr: 0.1, turn: 1 });

const report = await reportOf(readRun(folder), { counts: { train: [10, 10, 18, 2], val: [2, 2, 2, 2] } });
const comparison = await comparisonOf([readRun(folder), readRun(other)]);

describe.each([
  ['a report', report],
  ['a comparison', comparison],
])('%s', (_, html) => {
  const { document } = parseHTML(html);
  const all = (selector: string) => [...document.querySelectorAll(selector)];

  test('runs one script and one style, both known to its policy, and can load nothing', () => {
    const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]')!.getAttribute('content')!;
    const [scripts, styles] = [all('script'), all('style')];
    expect([scripts.length, styles.length]).toEqual([1, 1]);
    for (const [kind, element] of [
      ['script', scripts[0]],
      ['style', styles[0]],
    ] as const) {
      expect(policy).toContain(
        `${kind}-src 'sha256-${createHash('sha256').update(element!.textContent!).digest('base64')}'`,
      );
    }
    expect(policy).toContain("default-src 'none'");
    const addresses = all('[src],[href]').map((one) => one.getAttribute('src') ?? one.getAttribute('href')!);
    expect(addresses.filter((address) => !/^(?:#|data:image\/jpeg)/.test(address))).toEqual([]);
    expect(all('[style]')).toEqual([]);
    expect(html).not.toMatch(/ on\w+="/);
  });

  test('shows the names as they are, without what reorders or hides', () => {
    const text = document.body.textContent!;
    for (const name of NAMES.slice(0, 3)) expect(text).toContain(name);
    expect(text).toContain('👩‍🔬 a\\u202eb');
    expect(html).not.toContain('\u202e');
    expect(all('img[onerror], i')).toEqual([]);
  });

  test('tells no paths of the machine', () => {
    expect(html).not.toContain(SECRET);
    expect(html).not.toContain(scratch);
  });

  test('every section that is linked is there, with its title', () => {
    for (const link of all('nav a')) {
      const section = document.querySelector(link.getAttribute('href')!);
      expect(section?.querySelector('h2')?.id).toBe(section!.getAttribute('aria-labelledby'));
    }
  });
});

test('a report says the result, each mistake, each class and each setting', () => {
  const { document } = parseHTML(report);
  const text = (selector: string) => document.querySelector(selector)!.textContent!.replaceAll(/\s+/g, ' ').trim();
  expect(text('h1')).toBe('insects: 50.0 % right');
  expect(text('.lead')).toContain('Of 8 pictures in val');
  expect(text('.notes')).toContain('8 pictures are too few');
  expect(document.querySelectorAll('.card')).toHaveLength(4);
  expect(text('.card h3')).toBe(`${NAMES[0]} taken for ${NAMES[1]}`);
  expect(document.querySelectorAll('.matrix tbody tr')).toHaveLength(NAMES.length);
  expect([...document.querySelectorAll('.matrix tbody td')].map((cell) => cell.textContent)).toEqual(
    [1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1].map(String),
  );
  expect(text('#data')).toContain('The classes are uneven: the largest has 18 pictures to learn from, the smallest 2.');
  expect(text('#settings')).toContain('Weightsresnet18.pth');
  expect(text('#use pre')).toContain('a/best.safetensors photo.jpg');
  expect(text('#curves details')).toContain('not finite');
  expect(text('#device p')).toContain(
    'One training step on 4 pictures of 32 × 32 pixels keeps the kernels busy for 20 ms, and 70 % of that is convolution,',
  );
  expect(text('#device [aria-label="Table: Share of each kind of work"] tbody')).toBe(
    'Convolution, gradient of its weights2314 ms70.0 % a <b>new</b> one16 ms30.0 %',
  );
});

test('a report without times of kernels says why', async () => {
  const untimed = writeRun(join(scratch, 'untimed'));
  const path = join(untimed, RECORD_FILES.kernels);
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), timed: false, kernels: [] }));
  expect(await reportOf(readRun(untimed), {})).toContain('has no timestamp queries');
  rmSync(path);
  expect(await reportOf(readRun(untimed), {})).toContain('No step of this run was timed');
});

test('a comparison shows the settings that differ, and the pictures on which the runs disagree', async () => {
  const { document } = parseHTML(comparison);
  const rows = [...document.querySelectorAll('#settings tbody tr')].map((row) =>
    row.textContent!.replaceAll(/\s+/g, ' ').trim(),
  );
  expect(rows).toEqual(['Learning rate0.010.1']);
  expect(document.querySelector('#disputed p')!.textContent).toBe(
    '8 pictures of 8 that some name right and others wrong.',
  );
  const [card] = document.querySelectorAll('.card');
  expect(card!.textContent).toMatch(/a: ✓ <script>.*b: ✗ "><img/s);
  const equal = await comparisonOf([readRun(folder), readRun(writeRun(join(scratch, 'c')))]);
  expect(equal).toContain('None: on all 8 pictures they are right or wrong together.');
});

test('a run that was not judged has a report too', async () => {
  const html = await reportOf(readRun(writeRun(join(scratch, 'unjudged'), { judged: false })), {});
  expect(html).toContain('have not been judged');
  expect(html).not.toContain('id="confusion"');
});

test('the names of the files are those that a run writes', () => {
  expect(RUN_FILES).toMatchObject(RECORD_FILES);
});

describe('npm run report', () => {
  test('writes the pages, and says what is wrong', async () => {
    const out = join(scratch, 'both.html');
    expect(await main([folder, other, '--out', out, '--no-pictures'])).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(comparison);
    expect(await main([folder, '--no-pictures'])).toBe(0);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('asked for without pictures');
    expect(await main([])).toBe(2);
    expect(await main([folder, folder])).toBe(2);
    expect(await main([folder, '--out', 'x.pdf'])).toBe(2);
    expect(await main([scratch])).toBe(1);
  });

  test('a damaged file is named', () => {
    const damaged = writeRun(join(scratch, 'damaged'));
    writeFileSync(join(damaged, 'summary.json'), '{"bestValAcc": "high"}');
    expect(() => readRun(damaged)).toThrow(/summary\.json: is damaged \(bestValAcc: /);
    writeFileSync(join(damaged, 'metrics.jsonl'), '{"epoch": 0}\nnot json\n');
    writeFileSync(join(damaged, 'summary.json'), 'x');
    expect(() => readRun(damaged)).toThrow(/summary\.json: is no JSON|metrics\.jsonl:1: is damaged/);
  });
});
