/** `npm run eval`, and predictions of a labelled folder: classes are matched by name, and what does not fit is told. */
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { main } from '../../src/cli/eval.ts';
import { findEvalPictures } from '../../src/cli/eval-pictures.ts';
import { type Judgement, readJudgement } from '../../src/judge/index.ts';
import { labelsByName, openLabelled, openPredictor } from '../../src/predict/index.ts';
import { withGpu } from '../support/gpu.ts';
import {
  call,
  callMain,
  drawPicture,
  type Ended,
  randomState,
  SIZE,
  temporaryFolder,
  writeBroken,
  writeNet,
} from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const NAMES = ['ant', 'bee', 'wasp'];
const COUNTS = { ant: 3, wasp: 2 };

/** Draws pictures in `folder/ant` and `folder/wasp`. @returns the folder */
async function drawFolder(...path: string[]): Promise<string> {
  const folder = join(root, ...path);
  let seed = 1;
  for (const [name, count] of Object.entries(COUNTS)) {
    for (let i = 0; i < count; i++) await drawPicture(join(folder, name, `${i}.png`), seed++);
  }
  return folder;
}

const plain = await drawFolder('plain');
await drawFolder('split', 'val');
await drawFolder('split', 'test');
const split = join(root, 'split');

const QUIET = { signal: new AbortController().signal, onNote: () => {} };
/** Lines of a list. */
const ROWS = [
  ['plain/ant/0.png', 'ant', 'val'],
  ['plain/wasp/0.png', 'wasp', 'val'],
  ['plain/ant/1.png', 'ant', 'train'],
  ['plain/wasp/1.png', 'wasp', 'test'],
] as const;

const run = (...args: string[]): Promise<Ended> => callMain(main, args);

/** A run folder whose best weights know three classes. */
function runFolder(): string {
  const folder = join(root, 'run');
  if (existsSync(folder)) return folder;
  mkdirSync(folder);
  const metadata = { classes: JSON.stringify(NAMES), imageSize: String(SIZE), epoch: '7' };
  writeNet(join(folder, 'best.safetensors'), randomState(gpu, NAMES.length), metadata);
  return folder;
}

gpuTest('eval judges the best weights of a run on val; stdout has the words, --out the files', async () => {
  const out = join(root, 'out');
  const flags = ['--weights', runFolder(), '--data', split, '--threads', '0'];
  const { code, stdout, stderr } = await run(...flags, '--out', out);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^Judged on val \(weights of epoch 7\): \d of 5 right, /);
  expect(stdout).toMatch(/^bee +0 of 0 /m);
  expect(stdout).toMatch(/^Not judged, as val has no picture of them: bee\.$/m);
  expect(stderr).toMatch(/^Judging: 5 pictures of 2 classes: ant, wasp$/m);
  expect(readdirSync(out).sort()).toEqual(['confusion.png', 'judgement.json', 'top-losses.png']);

  const judgement = readJudgement(join(out, 'judgement.json'));
  expect(judgement).toMatchObject({ data: split, split: 'val', epoch: 7, count: 5 });
  expect(judgement.weights).toBe(runFolder());
  expect(judgement.classes.map(({ name, count }) => [name, count])).toEqual([
    ['ant', 3],
    ['bee', 0],
    ['wasp', 2],
  ]);
  const predictor = await openPredictor(judgement.weights, { gpu, threads: 0 });
  const predictions = await predictor.predict(judgement.answers.map(({ path }) => join(split, path)));
  await predictor.close();
  judgement.answers.forEach(({ path, truth, answer, probability }, i) => {
    expect(path).toBe(`val/${truth}/${i < 3 ? i : i - 3}.png`);
    expect(answer).toBe(predictions[i]!.top[0].name);
    expect(probability).toBeCloseTo(predictions[i]!.top[0].probability, 5);
  });

  // What is there stays.
  const again = await run(...flags, '--out', out);
  expect(again).toMatchObject({ code: 2, stdout: '' });
  expect(again.stderr).toMatch(/^eval: --out: .*already holds judgement\.json/);

  const json = await run(...flags, '--split', 'test', '--json');
  expect(json.code, json.stderr).toBe(0);
  const printed = JSON.parse(json.stdout) as Judgement;
  expect(Object.keys(printed)).toEqual(Object.keys(judgement));
  expect(printed).toMatchObject({ split: 'test', accuracy: judgement.accuracy, confusion: judgement.confusion });
});

gpuTest('a broken picture does not count, is named, and gives status 1', async () => {
  const folder = await drawFolder('broken');
  writeBroken(join(folder, 'ant', 'x.png'));
  const { code, stdout, stderr } = await run('--weights', runFolder(), '--data', folder, '--threads', '0');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^Judged on all .*: \d of 5 right/);
  expect(stderr).toMatch(/^Skipped: .*x\.png: this is not a picture/m);
  expect(stderr).toMatch(/^1 of 6 pictures were not judged/m);
});

gpuTest('predict tells how many of a labelled folder are right, after its usual output', async () => {
  const flags = ['--weights', runFolder(), '--threads', '0', '--top', '1'];
  const labelled = await call([...flags, plain]);
  expect(labelled.code, labelled.stderr).toBe(0);
  const lines = labelled.stdout.trimEnd().split('\n');
  const right = lines.filter((line) => /\/(\w+)\/\d\.png +\1 /.test(line)).length;
  expect(lines).toHaveLength(6);
  expect(lines.at(-1)).toMatch(new RegExp(`^Labelled by their folders: ${right} of 5 right, .*95 % interval`));
  const json = await call([...flags, '--json', plain]);
  const rows = json.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(rows.slice(0, 5).map(({ path }) => path)).toEqual((await openLabelled(plain)).samples.map(({ path }) => path));
  expect(rows.at(-1)).toEqual({ accuracy: right / 5, interval: expect.any(Array), right, count: 5 });

  // Folders of other names say nothing: the output is the same, without the last line.
  const other = await call([...flags, join(plain, 'ant'), split]);
  expect(other.stdout).not.toContain('Labelled');
});

test('which part is judged: val, else test, else all; or the one that was named', async () => {
  expect(await openLabelled(split)).toMatchObject({ data: split, split: 'val', classes: ['ant', 'wasp'] });
  expect((await openLabelled(split, 'testing')).split).toBe('test');
  expect((await openLabelled(split, 'all')).samples).toHaveLength(10);
  expect((await openLabelled(plain)).split).toBe('all');
  const onlyTest = await drawFolder('only', 'test');
  expect((await openLabelled(join(onlyTest, '..'))).split).toBe('test');
  await expect(openLabelled(split, 'train')).rejects.toThrow(
    /split: expected pictures for "train", found only val, test\. Choose another split, or all/,
  );
  await expect(openLabelled(plain, 'val')).rejects.toThrow(/found pictures that nobody has divided/);
});

test('a list is judged like a folder: its val, else its test, else all of it; parts may lack classes', async () => {
  const list = (name: string, ...lines: string[]) => {
    writeFileSync(join(root, name), lines.join('\n'));
    return join(root, name);
  };
  const csv = list('list.csv', 'path,label,split', ...ROWS.map(([path, label, part]) => `${path},${label},${part}`));
  const opened = await openLabelled(csv);
  expect(opened).toMatchObject({ path: csv, data: root, split: 'val', classes: ['ant', 'wasp'] });
  expect(opened.samples).toEqual([
    { path: join(root, 'plain/ant/0.png'), label: 0 },
    { path: join(root, 'plain/wasp/0.png'), label: 1 },
  ]);
  expect(await openLabelled(csv, 'test')).toMatchObject({ split: 'test', classes: ['wasp'], samples: [{ label: 0 }] });
  const all = await openLabelled(csv, 'all');
  expect(all.samples.map(({ label }) => all.classes[label]).sort()).toEqual(ROWS.map(([, label]) => label).sort());
  const lines = ROWS.slice(0, 3).map(([path, label]) => JSON.stringify({ path, label }));
  expect(await openLabelled(list('list.jsonl', ...lines))).toMatchObject({ data: root, split: 'all' });
  const tested = ROWS.filter(([, , part]) => part === 'test').map(([path, label, part]) => `${path},${label},${part}`);
  expect((await openLabelled(list('test.csv', ...tested))).split).toBe('test');
});

gpuTest('eval judges a list, and says in its first line which part', async () => {
  const list = join(root, 'judged.csv');
  writeFileSync(list, ROWS.map((row) => row.join()).join('\n'));
  const flags = ['--weights', runFolder(), '--data', list, '--threads', '0'];
  const { code, stdout, stderr } = await run(...flags);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^Judged on val \(weights of epoch 7\): \d of 2 right, /);
  const json = await run(...flags, '--split', 'all', '--json');
  const { data, split: part, answers } = JSON.parse(json.stdout) as Judgement;
  expect([data, part]).toEqual([root, 'all']);
  expect(answers.map(({ path }) => path).sort()).toEqual(ROWS.map(([path]) => path).sort());
  writeFileSync(list, 'plain/ant/0.png,moth\n');
  const unknown = await run(...flags);
  expect(unknown.code).not.toBe(0);
  expect(unknown.stderr).toMatch(/judged\.csv: the network of .* has no classes moth\. .* or labels of a list/);
});

gpuTest('of class folders that the run has divided itself, what it held out is judged', async () => {
  const own = join(root, 'own');
  cpSync(runFolder(), own, { recursive: true });
  const config = {
    ...{
      dawngrad: '0.2.0',
      mode: 'probe',
      epochs: 1,
      imageSize: SIZE,
      architecture: 'resnet18',
      seed: 3,
      valSplit: 0.4,
    },
    ...{ data: plain, classes: ['ant', 'wasp'], pictures: { train: 3, val: 2 } },
    adapter: { kind: 'software', description: 'any' },
  };
  writeFileSync(join(own, 'config.json'), JSON.stringify(config));
  const flags = ['--weights', own, '--data', plain, '--threads', '0'];
  const { code, stdout, stderr } = await run(...flags);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^Judged on val, which the run held out \(weights of epoch 7\): \d of 2 right/);
  expect(stderr).toMatch(/^The run held 2 of these 5 pictures out .*--split all judges all\.$/m);
  const all = await run(...flags, '--split', 'all');
  expect(all.stdout).toMatch(/^Judged on all, which the run has learnt from .*: \d of 5 right/);
  expect(all.stderr).toMatch(/^The run has learnt from 3 of these 5 pictures, so /m);
  // Of a copy the same. Other pictures are judged all.
  const copy = await findEvalPictures({ weights: own, data: await drawFolder('copy'), split: undefined }, QUIET);
  expect(copy.folder).toMatchObject({ data: join(root, 'copy'), split: 'val' });
  await drawPicture(join(root, 'copy', 'bee', '0.png'), 9);
  const other = await findEvalPictures({ weights: own, data: join(root, 'copy'), split: undefined }, QUIET);
  expect(other).toMatchObject({ what: 'all', notes: [], folder: { split: 'all' } });
  expect(other.folder.samples).toHaveLength(6);
});

test('classes are matched by name, whatever their order; others are an error', () => {
  const names = (source: 'checkpoint' | 'numbers', ...list: string[]) => ({ names: list, source });
  const folder = { path: 'data', classes: ['ant', 'caf\u00e9'] };
  expect(labelsByName(folder, 'w', names('checkpoint', 'cafe\u0301', 'bee', 'ant'))).toEqual({
    labels: [2, 0],
    notes: [],
  });
  expect(() => labelsByName(folder, 'w', names('checkpoint', 'ant', 'bee'))).toThrow(
    /^data: the network of w has no classes café\. Its classes are ant, bee\. Rename these folders/,
  );
  expect(() => labelsByName(folder, 'w', names('checkpoint', 'ant', 'ant', 'caf\u00e9'))).toThrow(
    /several classes named ant/,
  );
  const numbered = labelsByName(folder, 'w', names('numbers', 'class 0', 'class 1'));
  expect(numbered).toMatchObject({ labels: [0, 1], notes: [expect.stringMatching(/in their order: ant, café/)] });
  expect(() => labelsByName(folder, 'w', names('numbers', 'a', 'b', 'c'))).toThrow(
    /3 classes without names, and data has 2/,
  );
});

test.each([
  [['--data', plain], /--weights: expected a run folder or a checkpoint, found none/],
  [['--weights', 'none.pth', '--data', plain], /--weights: none\.pth: no such file/],
  [['--weights', plain, '--data', plain], /--weights: .*plain.*(holds|found|no )/],
  [['--weights', 'x', '--data', join(root, 'nothing')], /no such/],
  [['--weights', 'x', '--data', plain, '--split', '../x'], /--split: expected train, val, test, all, found/],
  [['--weights', join(plain, 'ant', '0.png'), '--data', join(root, 'no.csv')], /--data: .*no\.csv: no such list/],
  [['--weights', 'x', '--data', plain, '--out', ''], /--out: expected a folder, found an empty string/],
  [['--weights', 'x', '--data', plain, '--batch-size', '0'], /--batch-size/],
  [['--wieghts', 'x'], /--wieghts/],
  [['stray'], /stray/],
])('wrong usage is told with status 2: %j', async (args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/Try "npm run eval -- --help"\.\n$/);
});

test('--help names every flag', async () => {
  const { code, stdout } = await run('--help');
  expect(code).toBe(0);
  for (const flag of ['weights', 'data', 'split', 'json', 'out', 'batch-size', 'half', 'adapter', 'no-tune'])
    expect(stdout).toContain(`  --${flag}`);
});
