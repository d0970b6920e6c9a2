/** The demo's pictures on disk: all or none, the same for a seed, and without touching other files. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { decode, ImageFolder } from '../../src/data/index.ts';
import { DEMO_CLASSES, writeDemoPictures } from '../../src/demo/index.ts';
import { PICTURE_SIDE, pictureFiles } from '../../src/demo/pictures.ts';
import { FileError } from '../../src/errors.ts';

const COUNTS = { train: 3, val: 2 };
let parent: string;
let folder: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'dawngrad-'));
  folder = join(parent, 'demo');
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(parent, { recursive: true });
});

const write = (seed = 0, counts = COUNTS, to = folder) => writeDemoPictures(to, { seed, counts });
const bytesOf = (root: string) => pictureFiles(COUNTS).map((file) => readFileSync(join(root, file)).toString('base64'));
const picture = (file: string) => join(folder, file);

test('the pictures load like any other data set', async () => {
  await write();
  for (const phase of ['train', 'val'] as const) {
    const { classes, samples } = new ImageFolder(join(folder, phase));
    expect(classes).toEqual(DEMO_CLASSES);
    expect(samples).toHaveLength(2 * COUNTS[phase]);
    for (const { path } of samples) {
      const { width, height } = await decode(path);
      expect([width, height]).toEqual([PICTURE_SIDE, PICTURE_SIDE]);
      expect((await sharp(path).metadata()).channels).toBe(3);
    }
  }
  expect(readdirSync(parent)).toEqual(['demo']);
});

test('the same seed gives the same bytes, another seed gives others', async () => {
  await write(7);
  await write(7, COUNTS, join(parent, 'again'));
  await write(8, COUNTS, join(parent, 'other'));
  expect(bytesOf(join(parent, 'again'))).toEqual(bytesOf(folder));
  const others = new Set(bytesOf(join(parent, 'other')));
  expect(bytesOf(folder).filter((bytes) => others.has(bytes))).toEqual([]);
});

test('existing pictures are left unchanged', async () => {
  await write();
  const label = readFileSync(picture('demo.json'), 'utf8');
  writeFileSync(picture('train/.DS_Store'), '');
  const before = statSync(picture('train/ants/000.png'));
  await write();
  const after = statSync(picture('train/ants/000.png'));
  expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  expect(readFileSync(picture('demo.json'), 'utf8')).toBe(label);
});

test('an empty folder is filled, and missing parents are created', async () => {
  mkdirSync(folder);
  await write();
  await write(0, COUNTS, join(parent, 'a', 'b', 'c'));
  expect(bytesOf(folder)).toEqual(bytesOf(join(parent, 'a', 'b', 'c')));
});

test('missing pictures, or other counts of this seed, are drawn again', async () => {
  await write();
  const whole = bytesOf(folder);
  rmSync(picture('val/bees'), { recursive: true });
  rmSync(picture('train/ants/002.png'));
  await write();
  expect(bytesOf(folder)).toEqual(whole);
  await write(0, { train: 4, val: 1 });
  expect(readdirSync(picture('train/ants'))).toHaveLength(4);
  expect(readdirSync(picture('val/bees'))).toHaveLength(1);
  expect(readdirSync(parent)).toEqual(['demo']);
});

test('pictures of an older version are drawn again', async () => {
  await write();
  const whole = bytesOf(folder);
  const label = JSON.parse(readFileSync(picture('demo.json'), 'utf8')) as { drawing: number };
  writeFileSync(picture('demo.json'), JSON.stringify({ ...label, drawing: label.drawing - 1 }));
  writeFileSync(picture('train/ants/000.png'), 'older');
  await write();
  expect(bytesOf(folder)).toEqual(whole);
});

test.each([
  ['a file', () => writeFileSync(folder, 'mine'), /demo: expected a folder for the demo's pictures, found a file/],
  [
    'a folder with other files',
    () => put('holiday.jpg'),
    /demo: expected the demo's pictures or an empty folder, found holiday\.jpg/,
  ],
  [
    'another demo.json',
    () => put('demo.json'),
    /demo: expected the demo's pictures or an empty folder, found demo\.json/,
  ],
])('%s is an error and stays', async (_, make, message) => {
  make();
  await expect(write()).rejects.toThrow(FileError);
  await expect(write()).rejects.toThrow(message);
  expect(readdirSync(parent)).toEqual(['demo']);
  if (statSync(folder).isDirectory()) expect(readdirSync(folder)).toHaveLength(1);
});

function put(name: string): void {
  mkdirSync(folder);
  writeFileSync(picture(name), '{}');
}

test('pictures of another seed, or other files among them, are an error and stay', async () => {
  await write(1);
  await expect(write(2)).rejects.toThrow(/expected the demo's pictures of seed 2, found those of seed 1/);
  writeFileSync(picture('train/bees/wasp.png'), 'mine');
  rmSync(picture('train/bees/000.png'));
  await expect(write(1)).rejects.toThrow(/found train\/bees\/wasp\.png too/);
  expect(readFileSync(picture('train/bees/wasp.png'), 'utf8')).toBe('mine');
  expect(readdirSync(parent)).toEqual(['demo']);
});

test('a failure while drawing leaves nothing new and keeps existing pictures', async () => {
  await write();
  rmSync(picture('train/ants/000.png'));
  const prototype = sharp.prototype as { toFile(path: string): Promise<unknown> };
  const { toFile } = prototype;
  let left = 5;
  vi.spyOn(prototype, 'toFile').mockImplementation(function (this: unknown, path: string) {
    return left-- > 0 ? toFile.call(this, path) : Promise.reject(new Error('no space left'));
  });
  await expect(write()).rejects.toThrow(/demo: the demo's pictures cannot be written \(no space left\)/);
  await expect(write(0, COUNTS, join(parent, 'new'))).rejects.toThrow(FileError);
  expect(readdirSync(parent)).toEqual(['demo']);
  expect(readdirSync(picture('train/ants'))).toEqual(['001.png', '002.png']);
});

test('a parent that is a file is a clear error', async () => {
  writeFileSync(folder, '');
  await expect(write(0, COUNTS, join(folder, 'below'))).rejects.toThrow(/below: the demo's pictures cannot be written/);
});

test('two concurrent calls give one complete set', async () => {
  await Promise.all([write(), write()]);
  expect(bytesOf(folder)).toHaveLength(10);
  expect(readdirSync(parent)).toEqual(['demo']);
});

test('a killed process leaves no partial set, and a later run cleans up after it', { timeout: 60_000 }, async () => {
  const module = new URL('../../src/demo/index.ts', import.meta.url).href;
  const code = `import(${JSON.stringify(module)}).then((demo) => demo.writeDemoPictures(${JSON.stringify(folder)}, { seed: 0 }))`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { stdio: 'inherit' });
  const closed = new Promise((resolve) => child.on('close', resolve));
  const drawnSoFar = () => readdirSync(parent, { recursive: true }).filter((path) => `${path}`.endsWith('.png')).length;
  while (drawnSoFar() < 4 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await closed;
  expect(existsSync(folder)).toBe(false);
  const [leftover] = readdirSync(parent);
  expect(leftover).toMatch(/^\.demo-.*\.tmp$/);
  // Not at once: its process might still be drawing.
  await write();
  expect(readdirSync(parent).sort()).toEqual([leftover, 'demo']);
  utimesSync(join(parent, leftover!), 0, 0);
  await write(0, { train: 1, val: 1 });
  expect(readdirSync(parent)).toEqual(['demo']);
});
