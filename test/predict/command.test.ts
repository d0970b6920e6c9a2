/** `npm run predict`: its output on stdout and stderr, skipped files, annotated pictures, exit status. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect } from 'vitest';
import { openPredictor, type Prediction } from '../../src/predict/index.ts';
import { train } from '../../src/train/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, TINY, TRAINING_TIMEOUT } from '../train/support.ts';
import {
  COMMAND,
  call,
  drawPicture,
  randomState,
  runCommand,
  SIZE,
  temporaryFolder,
  writeBroken,
  writeNet,
} from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const photos = join(root, 'photos');
for (const [i, place] of ['b.png', 'a.png', 'more/a.png', 'more/c.png'].entries()) {
  await drawPicture(join(photos, place), i + 1);
}
const inPhotos = ['a.png', 'b.png', 'more/a.png', 'more/c.png'].map((place) => join(photos, place));
const names = ['ants', 'bees', 'wasps'];

/** A network with this many classes, made once. With 3 it has class names. */
function givenNet(classes: number): string {
  const path = join(root, `${classes}.safetensors`);
  if (existsSync(path)) return path;
  const named = { imageSize: String(SIZE), ...(classes === names.length && { classes: JSON.stringify(names) }) };
  return writeNet(path, randomState(gpu, classes), named);
}

async function library(weights: string, paths: readonly string[]): Promise<Prediction[]> {
  const predictor = await openPredictor(weights, { gpu, threads: 0 });
  const predictions = await predictor.predict(paths);
  await predictor.close();
  return predictions;
}

gpuTest(
  'prints an indented list of three classes per picture, the likeliest first; stderr names device and weights',
  async () => {
    const weights = givenNet(3);
    const { code, stdout, stderr } = await call(['--weights', weights, '--threads', '0', photos, inPhotos[0]!]);
    expect(code, stderr).toBe(0);
    const paths = [...inPhotos, inPhotos[0]!];
    const expected = (await library(weights, paths)).map(({ path, top }) => {
      const lines = top.map(({ name, probability }) => `  ${probability.toFixed(3)}  ${name}\n`);
      expect(lines).toHaveLength(3);
      return `${path}\n${lines.join('')}`;
    });
    expect(stdout).toBe(expected.join(''));
    expect(stderr).toMatch(/^Device: .+ \((software|hardware)\)$/m);
    expect(stderr).toContain(`Weights: ${weights} (resnet18), 3 classes: ants, bees, wasps\n`);
    expect(stderr).toContain(`Pictures: 5, each cropped to its centre of ${SIZE}×${SIZE}\n`);
  },
);

gpuTest('--top 1 prints a line per picture, in columns', async () => {
  const weights = givenNet(3);
  const { code, stdout, stderr } = await call(['--weights', weights, '--threads', '0', '--top', '1', photos]);
  expect(code, stderr).toBe(0);
  const predictions = await library(weights, inPhotos);
  const width = inPhotos.at(-1)!.length;
  expect(stdout.split('\n')).toEqual([
    ...predictions.map(
      ({ path, top: [{ name, probability }] }) => `${path!.padEnd(width)}  ${name.padEnd(5)} ${probability.toFixed(3)}`,
    ),
    '',
  ]);
});

gpuTest('1000 classes without names get ImageNet’s, others are numbered, and stderr says so', async () => {
  const imagenet = await call(['--weights', givenNet(1000), '--threads', '0', inPhotos[0]!]);
  expect(imagenet.code, imagenet.stderr).toBe(0);
  expect(imagenet.stderr).toMatch(/1000 classes, which the file does not name: .* ImageNet has, so its names are used/);
  expect(imagenet.stdout).toMatch(/^.*a\.png\n( {2}0\.\d{3} {2}[\w' .-]+\n){5}$/);
  const predictions = await library(givenNet(1000), [inPhotos[0]!]);
  for (const { name } of predictions[0]!.top) expect(imagenet.stdout).toContain(`  ${name}\n`);

  const numbered = await call(['--weights', givenNet(6), '--threads', '0', inPhotos[0]!]);
  expect(numbered.stderr).toMatch(/6 classes, which the file does not name: they are numbered, from 0/);
  expect(numbered.stdout).toMatch(/^.*a\.png\n( {2}\d\.\d{3} {2}class [0-5]\n){5}$/);
});

gpuTest('skips unreadable files, names each with the reason, and ends with status 1', async () => {
  const weights = givenNet(3);
  const broken = writeBroken(join(root, 'broken', 'x.jpg'));
  const unnamed = writeBroken(join(root, 'notes.txt'));
  const missing = join(root, 'missing.png');
  const strange = join(root, 'strange');
  mkdirSync(join(strange, '.ipynb_checkpoints'), { recursive: true });
  writeFileSync(join(strange, 'none.ppm'), 'P6\n0 0\n255\n');
  writeFileSync(Buffer.concat([Buffer.from(`${strange}/`), Buffer.of(0xff), Buffer.from('.png')]), 'no picture');
  execFileSync('mkfifo', [join(strange, 'pipe.png')]);
  const flags = ['--weights', weights, '--threads', '1', '--json'];
  const { code, stdout, stderr } = await call([
    ...[...flags, inPhotos[0]!, broken, missing, unnamed, strange, inPhotos[1]!],
  ]);
  expect(code).toBe(1);
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).path),
  ).toEqual(inPhotos.slice(0, 2));
  expect(stderr).toMatch(/^Skipped: .*x\.jpg: this is not a picture in a known format/m);
  expect(stderr).toMatch(/^Skipped: .*notes\.txt: this is not a picture/m);
  expect(stderr).toMatch(/^Skipped: .*missing\.png: no such file or folder/m);
  expect(stderr).toMatch(/^Skipped: .*none\.ppm: a picture of 0×0 has no pixels/m);
  expect(stderr).toMatch(/^Skipped: .*pipe\.png: expected a regular file with a picture, found a named pipe/m);
  expect(stderr).toMatch(/^Skipped: .*strange.\\xff\.png: this is not a picture/m);
  expect(stderr).toMatch(/^Left out: 1 hidden folder or \._ file, which is no picture: .*\.ipynb_checkpoints$/m);
  expect(stderr).toMatch(/^6 of 8 were skipped, for the reasons above\.$/m);

  const nothing = await call([...flags, missing]);
  expect(nothing).toMatchObject({ code: 1, stdout: '' });
  expect(nothing.stderr).toMatch(/predict: found no picture/);
  const onlyBroken = await call([...flags, broken]);
  expect(onlyBroken).toMatchObject({ code: 1, stdout: '' });
  expect(onlyBroken.stderr).toMatch(/^1 of 1 were skipped/m);
});

gpuTest('a file that is no checkpoint is an error with exit status 1', async () => {
  const { code, stdout, stderr } = await call(['--weights', writeBroken(join(root, 'x.pth')), inPhotos[0]!]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^predict: .*x\.pth: /m);
});

gpuTest('--save writes each picture to its own file and changes no existing file', async () => {
  const weights = givenNet(3);
  const save = join(root, 'annotated');
  const flags = ['--weights', weights, '--threads', '0', '--json'];
  const saved = async (...args: string[]) => {
    const { code, stdout, stderr } = await call([...flags, ...args]);
    expect(code, stderr).toBe(0);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { path: string; saved?: string });
  };
  const jpeg = join(root, 'a.jpg');
  await sharp(inPhotos[0]!).jpeg().toFile(jpeg);
  const rows = await saved('--save', save, photos, inPhotos[2]!, jpeg);
  const expected = ['a.png', 'b.png', 'more/a.png', 'more/c.png', 'a-2.png', 'a-3.png'].map((name) => join(save, name));
  expect(rows.map((row) => row.saved)).toEqual(expected);
  for (const path of expected) {
    const { format, width } = await sharp(path).metadata();
    expect(format).toBe('png');
    expect(width).toBeGreaterThan(100);
  }
  // Files of different pictures differ, and files of the same picture are equal.
  const contents = expected.map((path) => readFileSync(path).toString('base64'));
  expect(contents[0]).not.toBe(contents[2]);
  expect(contents[2]).toBe(contents[4]);
  expect(readdirSync(save).filter((name) => name.endsWith('.tmp'))).toEqual([]);

  // Save to the folder of the originals.
  const own = join(root, 'own');
  mkdirSync(own);
  copyFileSync(inPhotos[0]!, join(own, 'a.png'));
  writeFileSync(join(own, 'a-2.png'), 'somebody’s');
  const [row] = await saved('--save', own, join(own, 'a.png'));
  expect(row!.saved).toBe(join(own, 'a-3.png'));
  expect(readFileSync(join(own, 'a.png'))).toEqual(readFileSync(inPhotos[0]!));
  expect(readFileSync(join(own, 'a-2.png'), 'utf8')).toBe('somebody’s');
  // Without the flag nothing is written.
  expect(await saved(inPhotos[0]!)).toEqual([expect.not.objectContaining({ saved: expect.anything() })]);
  expect(existsSync(join(photos, 'a-2.png'))).toBe(false);
});

gpuTest('a picture that cannot be read a second time, for --save, is skipped, and the others are saved', async () => {
  const own = join(root, 'vanishing');
  mkdirSync(own);
  for (const name of ['a.png', 'b.png', 'c.png']) copyFileSync(inPhotos[0]!, join(own, name));
  const flags = ['--weights', givenNet(3), '--threads', '0', '--save', join(root, 'vanished')];
  // One batch has read all three before the first is saved.
  const { code, stderr } = await call([...flags, own], {}, () => rmSync(join(own, 'b.png'), { force: true }));
  expect(code).toBe(1);
  expect(stderr).toMatch(/b\.png: the picture is missing/);
  expect(readdirSync(join(root, 'vanished'))).toEqual(['a.png', 'c.png']);
});

gpuTest('a --save folder that cannot be created is an error before anything is computed', async () => {
  const file = writeBroken(join(root, 'file'));
  const save = join(file, 'below');
  const { code, stdout, stderr } = await call(['--weights', givenNet(3), '--save', save, inPhotos[0]!]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^predict: .*below: the folder for annotated pictures cannot be made/m);
  expect(stderr).not.toMatch(/Device:/);
});

gpuTest('a tensor larger than any buffer is an error with advice, before anything is computed', async () => {
  // A tensor of 4.3 GB: no WebGPU buffer can be that large.
  const flags = ['--weights', givenNet(3), '--image-size', '8192'];
  const { code, stdout, stderr } = await call([...flags, inPhotos[0]!]);
  expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
  expect(stderr).toMatch(/^predict: The GPU is out of memory: .*largest tensor takes 4\.\d+ GiB/m);
  expect(stderr).toMatch(/^Try a smaller --batch-size or --image-size\.$/m);
});

gpuTest('control characters in class names are not printed', async () => {
  const state = randomState(gpu, 2);
  const classes = JSON.stringify(['\u001b[2J', 'line\nbreak']);
  const weights = writeNet(join(root, 'control.safetensors'), state, { classes, imageSize: String(SIZE) });
  const { stdout, stderr } = await call(['--weights', weights, '--threads', '0', '--top', '2', inPhotos[0]!]);
  expect(stdout).toMatch(/^.*a\.png\n( {2}\d\.\d{3} {2}(\\u001b\[2J|line\\u000abreak)\n){2}$/);
  expect(stderr).toContain('\\u001b[2J, line\\u000abreak');
});

gpuTest(
  'the best weights of a run hold their two classes and their size: a line per picture',
  async () => {
    const data = await drawPictures(join(root, 'data'));
    const { folder, summary } = await train({ ...TINY, epochs: 1, mode: 'extract', data, gpu, out: join(root, 'run') });
    const weights = join(folder, 'best.safetensors');
    const { code, stdout, stderr } = await call(['--weights', weights, '--threads', '0', join(data, 'val')]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('2 classes: discs, stripes\n');
    expect(stderr).toContain('cropped to its centre of 32×32\n');
    const lines = stdout.trimEnd().split('\n');
    // The folder is labelled.
    expect(lines.pop()).toMatch(/^Labelled by their folders: \d of 8 right/);
    expect(lines).toHaveLength(8);
    for (const line of lines) expect(line).toMatch(/^.*\.png +(discs {2}|stripes) (0\.[5-9]\d\d|1\.000)$/);
    // Training measured the same weights on the same pictures.
    expect(summary.bestEpoch).toBe(0);
    const right = lines.filter((line) => /(discs|stripes)\W\d\.png +\1 /.test(line));
    expect(right.length / lines.length).toBe(summary.bestValAcc);
  },
  TRAINING_TIMEOUT,
);

gpuTest('as a program, --json prints only JSON on stdout, and the program ends by itself', async () => {
  const weights = givenNet(3);
  const { code, stdout, stderr } = await runCommand(['--weights', weights, '--json', '--batch-size', '3', photos]);
  expect(code, stderr).toBe(0);
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Prediction);
  const expected = await library(weights, inPhotos);
  expect(rows.map(({ path }) => path)).toEqual(inPhotos);
  for (const [i, { top }] of rows.entries()) {
    expect(Object.keys(rows[i]!)).toEqual(['path', 'top']);
    expect(top.map(({ name, index }) => ({ name, index }))).toEqual(
      expected[i]!.top.map(({ name, index }) => ({ name, index })),
    );
    expect(top[0].probability).toBeCloseTo(expected[i]!.top[0].probability, 5);
  }
});

gpuTest('Ctrl-C ends it with exit status 130 and leaves only whole lines', async () => {
  const weights = givenNet(3);
  const many = Array.from({ length: 300 }, (_, i) => inPhotos[i % inPhotos.length]!);
  let sent = false;
  const { code, stdout, stderr } = await runCommand(
    ['--weights', weights, '--json', '--batch-size', '1', ...many],
    (soFar, kill) => {
      if (sent || !soFar.stdout.includes('\n')) return;
      sent = true;
      kill('SIGINT');
    },
  );
  expect(code, stderr).toBe(130);
  expect(stderr).toMatch(/Stopping; interrupt again/);
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Prediction);
  expect(stderr).toContain(`Stopped after ${rows.length} of 300 pictures.`);
  expect(rows.length).toBeLessThan(300);
});

gpuTest('it ends when the reader of its output closes the pipe', async () => {
  const many = Array.from({ length: 300 }, (_, i) => inPhotos[i % inPhotos.length]!);
  const args = ['--import', 'tsx', COMMAND, '--weights', givenNet(3), '--json', '--batch-size', '1', ...many];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const first = new Promise((resolve) => child.stdout.once('data', resolve));
  const closed = new Promise((resolve) => child.once('close', resolve));
  await first;
  child.stdout.destroy();
  expect(await closed).toBe(141);
});
