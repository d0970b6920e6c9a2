/** The command line of predict: its flags, and that wrong usage is a clear error with exit status 2. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parsePredictFlags } from '../../src/cli/predict-flags.ts';
import { call, temporaryFolder } from './support.ts';

const root = temporaryFolder();
const folder = join(root, 'folder');
mkdirSync(folder);
const weights = join(root, 'some.pth');
writeFileSync(weights, 'x');
const good = ['--weights', weights, 'photo.jpg'];

test.each<[string, string[], RegExp]>([
  ['an unknown flag', [...good, '--best', '3'], /'--best'/],
  ['a flag without its value', [...good, '--top'], /--top/],
  ['no picture', ['--weights', weights], /no picture: give one or more files or folders/],
  ['an empty path', [...good, ''], /picture 2: expected a file or folder, found an empty string/],
  ['missing weights', ['--weights', 'no.pth', 'photo.jpg'], /--weights: no.pth: no such file/],
  [
    'weights that are a folder',
    ['--weights', folder, 'a.jpg'],
    /--weights: .*: expected a run's folder with best.safetensors, found a folder without it/,
  ],
  ['a word instead of a number', [...good, '--top', 'all'], /--top: expected a number, found "all"/],
  ['no class', [...good, '--top', '0'], /--top: expected a whole number of at least 1, found 0/],
  ['half a class', [...good, '--top', '1.5'], /--top: expected a whole number of at least 1, found 1.5/],
  ['an empty batch', [...good, '--batch-size', '0'], /--batch-size: expected a whole number of at least 1, found 0/],
  ['negative threads', [...good, '--threads=-1'], /--threads: expected a whole number from 0 to 128, found -1/],
  ['a small picture', [...good, '--image-size', '31'], /--image-size: expected a whole number from 32 to 8192/],
  ['an unknown adapter', [...good, '--adapter', 'fast'], /--adapter: expected high-performance, low-power, software/],
  ['an empty folder to save to', [...good, '--save', ''], /--save: expected a folder, found an empty string/],
  ['a file to save to', [...good, '--save', weights], /--save: .*: expected a folder, found a file/],
])('%s is an error with exit status 2', async (_, args, message) => {
  const { code, stdout, stderr } = await call(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^predict: .*\nTry "npm run predict -- --help"\.\n$/);
});

test('defaults', () => {
  expect(parsePredictFlags(good, {})).toEqual({
    weights,
    inputs: ['photo.jpg'],
    top: undefined,
    json: false,
    save: undefined,
    half: false,
    adapter: undefined,
    tunes: true,
    numbers: {},
  });
});

test('accepts every flag before, between and after the pictures', () => {
  const args = `--top 3 b.jpg --json --half --save ${join(root, 'new')} --adapter software c --batch-size 2 --threads 0 --no-tune`;
  expect(parsePredictFlags([...good, ...args.split(' '), '--image-size', '64', '--', '-d.jpg'], {})).toEqual({
    weights,
    inputs: ['photo.jpg', 'b.jpg', 'c', '-d.jpg'],
    top: 3,
    json: true,
    save: join(root, 'new'),
    half: true,
    adapter: 'software',
    tunes: false,
    numbers: { batchSize: 2, threads: 0, imageSize: 64 },
  });
});

test('--weights may name a part of a file, which must exist', () => {
  const part = `${weights}#state_dict_ema`;
  expect(parsePredictFlags(['--weights', part, 'a.jpg'], {})).toMatchObject({ weights: part });
  expect(() => parsePredictFlags(['--weights', 'no.pth#ema', 'a.jpg'], {})).toThrow(/--weights: no\.pth: no such file/);
});

test('a variable replaces --weights, and an error names the variable', async () => {
  expect(parsePredictFlags(['a.jpg'], { DAWNGRAD_WEIGHTS: weights })).toMatchObject({ weights });
  expect(parsePredictFlags(['a.jpg'], { DAWNGRAD_WEIGHTS: '' })).toMatchObject({ weights: undefined });
  const { code, stderr } = await call(['a.jpg'], { DAWNGRAD_WEIGHTS: '/nowhere' });
  expect(code).toBe(2);
  expect(stderr).toMatch(/DAWNGRAD_WEIGHTS: \/nowhere: no such file/);
});

test('--help explains every flag, also beside invalid ones', async () => {
  const { code, stdout, stderr } = await call(['--help', '--top', 'many']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const flag of 'weights top json save half batch-size threads image-size adapter help'.split(' ')) {
    expect(stdout).toContain(`--${flag}`);
  }
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
});
