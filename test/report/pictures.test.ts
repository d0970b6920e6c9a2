/** Pages about runs whose pictures are broken in part, moved, changed, or others with the same names. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/report.ts';
import { judge } from '../../src/judge/index.ts';
import { comparisonOf, readRun } from '../../src/report/index.ts';
import { settingsOf } from '../../src/report/settings.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-report-pictures-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const CLASSES = ['ant', 'bee'];

/** Files with the names of pictures, whose text tells one data set from another. Nothing decodes them. */
function writeData(folder: string, text = '', classes = CLASSES): string {
  for (const [split, count] of Object.entries({ train: 3, val: 2 })) {
    for (const name of classes) {
      for (let i = 0; i < count; i++) write(join(folder, split, name, `${i}.png`), `${text}${split}${name}${i}`);
    }
  }
  return folder;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

interface Asked {
  readonly data: string;
  readonly skipped?: readonly string[];
  /** Added to config.json. */
  readonly config?: object;
  /** Which of two pictures is named right. */
  readonly turn?: number;
}

/** A run that was judged on all pictures of val. */
function writeRun(folder: string, { data, skipped = [], config = {}, turn = 0 }: Asked): string {
  const trained = 6 - skipped.length;
  const all = {
    ...{ dawngrad: '0.2.0', mode: 'finetune', data, classes: CLASSES, architecture: 'resnet18', imageSize: 32 },
    ...{ epochs: 1, skipped, pictures: { train: trained, val: 4 }, ...config },
    adapter: { kind: 'software', description: 'any' },
  };
  const paths = CLASSES.flatMap((name) => [0, 1].map((i) => `val/${name}/${i}.png`));
  const truths = [0, 0, 1, 1];
  const probabilities = truths.flatMap((_, i) => ((i + turn) % 2 === 0 ? [0.8, 0.2] : [0.2, 0.8]));
  const judged = judge({ classes: CLASSES, paths, truths, probabilities });
  const judgement = { version: 1, data, split: 'val', weights: 'best.safetensors', epoch: 0, ...judged };
  write(join(folder, 'config.json'), JSON.stringify(all));
  write(join(folder, 'judgement.json'), JSON.stringify(judgement));
  return folder;
}

/** The command, without pictures, which need a device. */
async function report(...args: string[]) {
  let [stdout, stderr] = ['', ''];
  const io = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
  };
  return { status: await main([...args, '--no-pictures'], io), stdout, stderr };
}

let at = '';
let data = '';
beforeEach(() => {
  at = mkdtempSync(join(scratch, 'case-'));
  data = writeData(join(at, 'data'));
});

/** The rows of the table of pictures, and what is said beside it. */
function picturesOf(run: string) {
  const { document } = parseHTML(readFileSync(join(run, 'report.html'), 'utf8'));
  const rows = [...document.querySelectorAll('#data tbody tr')].map((row) =>
    [...row.querySelectorAll('th, td')].map((cell) => cell.textContent!.trim()),
  );
  return { rows, remark: document.querySelector('#data .quiet')?.textContent };
}

test('broken pictures that the run left out are not counted', async () => {
  write(join(data, 'train', 'ant', 'broken.png'), '');
  const run = writeRun(join(at, 'run'), {
    data,
    skipped: ['train/ant/broken.png'],
    config: { pictures: { train: 6, val: 4 } },
  });
  expect(await report(run)).toMatchObject({ status: 0, stderr: '' });
  expect(picturesOf(run)).toEqual({
    rows: [
      ['ant', '3', '2'],
      ['bee', '3', '2'],
    ],
    remark: undefined,
  });
});

describe('--data', () => {
  test.each([
    ['of other classes', (path: string) => writeData(path, '', ['circle', 'square']), /of circle, square\./],
    [
      'none of which was judged',
      (path: string) => writeOtherNames(path),
      /of the classes ant, bee, found others, of ant, bee/,
    ],
  ])('pictures %s are refused, and the report stays', async (_, make, reason) => {
    const run = writeRun(join(at, 'run'), { data });
    await report(run);
    const before = readFileSync(join(run, 'report.html'), 'utf8');
    const { status, stdout, stderr } = await report(run, '--data', make(join(at, 'other')));
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^report: --data: .*other: expected the pictures of .*run, /);
    expect(stderr).toMatch(reason);
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toBe(before);
    const second = writeRun(join(at, 'second'), { data });
    const compared = join(at, 'compared.html');
    expect((await report(run, second, '--out', compared, '--data', join(at, 'other'))).status).toBe(1);
  });

  test('the same pictures elsewhere are found, as a folder or as a list', async () => {
    const run = writeRun(join(at, 'run'), { data });
    await report(run);
    const before = readFileSync(join(run, 'report.html'), 'utf8');
    renameSync(data, join(at, 'moved'));
    expect(await report(run, '--data', join(at, 'moved'))).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toBe(before);
    const lines = ['train', 'val'].flatMap((split) =>
      CLASSES.flatMap((name) =>
        Array.from({ length: split === 'train' ? 3 : 2 }, (_, i) => `${split}/${name}/${i}.png,${name},${split}`),
      ),
    );
    const list = join(at, 'moved', 'list.csv');
    writeFileSync(list, `path,label,split\n${lines.join('\n')}\n`);
    const listed = writeRun(join(at, 'listed'), { data: join(at, 'gone', 'list.csv') });
    for (const place of [list, dirname(list)]) {
      expect(await report(listed, '--data', place)).toMatchObject({ status: 0, stderr: '' });
      expect(picturesOf(listed).rows[0]).toEqual(['ant', '3', '2']);
    }
  });
});

function writeOtherNames(path: string): string {
  for (const split of ['train', 'val']) for (const name of CLASSES) write(join(path, split, name, 'x.png'), '');
  return path;
}

test('what became of the pictures is told, on the page without a path', async () => {
  const run = writeRun(join(at, 'run'), { data });
  write(join(data, 'train', 'wasp', '0.png'), '');
  write(join(data, 'val', 'wasp', '0.png'), '');
  rmSync(join(data, 'val', 'bee', '1.png'));
  const changed = await report(run);
  const told =
    'The pictures have changed since the run: 1 of the 4 that it was judged on are gone; it knows no class wasp; ' +
    '3 in val, and 4 then. So they are not counted here.';
  expect(changed).toMatchObject({ status: 0, stderr: `report: ${told}\n` });
  // Of val the judgement knows.
  expect(picturesOf(run)).toEqual({
    remark: told,
    rows: [
      ['ant', '2'],
      ['bee', '2'],
    ],
  });

  rmSync(data, { recursive: true });
  const gone = await report(run);
  expect(gone.status).toBe(0);
  expect(gone.stderr).toMatch(/^report: The pictures of the run are gone or were moved, .* there is nothing\..*\n$/);
  expect(picturesOf(run).remark).toMatch(/^The pictures of the run are gone/);
  expect(readFileSync(join(run, 'report.html'), 'utf8')).not.toContain(at);
});

describe('a comparison', () => {
  const compared = async (...runs: string[]) => {
    const { document } = parseHTML(await comparisonOf(runs.map(readRun)));
    const text = (selector: string) => [...document.querySelectorAll(selector)].map((one) => one.textContent).join(' ');
    return { lead: text('.lead'), disputed: text('#disputed p:not(.file)') };
  };

  test('namesakes of another data set are other pictures', async () => {
    const other = writeData(join(at, 'other'), 'other ');
    const first = writeRun(join(at, 'first'), { data });
    const second = writeRun(join(at, 'second'), { data: other, turn: 1 });
    const { lead, disputed } = await compared(first, second);
    expect(lead).toMatch(/They were judged on different pictures/);
    expect(disputed).toBe('The runs were not judged on the same pictures.');
    // All but one are copies now.
    for (const name of ['val/ant/0.png', 'val/ant/1.png', 'val/bee/1.png']) cpSync(join(data, name), join(other, name));
    expect((await compared(first, second)).disputed).toMatch(/^3 pictures of 3 that some name right/);
  });

  test('pictures in the same place are the same, be they there or not', async () => {
    const first = writeRun(join(at, 'first'), { data });
    const second = writeRun(join(at, 'second'), { data, turn: 1 });
    expect((await compared(first, second)).disputed).toMatch(/^4 pictures of 4/);
    rmSync(data, { recursive: true });
    expect((await compared(first, second)).disputed).toBe('4 pictures of 4 that some name right and others wrong.');
  });

  test('where a place is gone, names must do, and that is said; a fingerprint tells', async () => {
    const first = writeRun(join(at, 'first'), { data });
    const asked = { data: join(at, 'gone'), turn: 1 };
    const second = writeRun(join(at, 'second'), asked);
    expect((await compared(first, second)).disputed).toMatch(
      /^4 pictures of 4 .*with the same name are taken for the same/,
    );
    const config = { fingerprint: 'abc' };
    writeRun(first, { data, config });
    writeRun(second, { ...asked, config });
    expect((await compared(first, second)).disputed).toBe('4 pictures of 4 that some name right and others wrong.');
  });
});

test.each([
  ['the tutorial', {}, ['momentum', 'stepSize', 'gamma']],
  ['AdamW with cosine', { optimizer: 'adamw', schedule: 'cosine' }, ['optimizer', 'schedule']],
  ['SGD in one cycle', { schedule: 'onecycle' }, ['schedule']],
  [
    'AdamW with steps and patience',
    { optimizer: 'adamw', patience: 5 },
    ['stepSize', 'gamma', 'optimizer', 'minEpochs'],
  ],
])('settings without effect are left out: %s', (_, config, shown) => {
  const plain = { momentum: 0.9, stepSize: 7, gamma: 0.1, patience: 0, minEpochs: 0 };
  const run = writeRun(join(at, 'run'), { data, config: { ...plain, ...config } });
  const names = [...settingsOf(readRun(run).config).keys()];
  const asked = ['momentum', 'stepSize', 'gamma', 'optimizer', 'schedule', 'minEpochs'];
  expect(names.filter((name) => asked.includes(name)).sort()).toEqual([...shown].sort());
});
