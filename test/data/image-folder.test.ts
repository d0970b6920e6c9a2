/** ImageFolder against torchvision's list of the same folder, and its errors. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ImageFolder } from '../../src/data/index.ts';
import { FileError } from '../../src/errors.ts';
import { dataTest, GOLDEN_FOLDER, golden } from './support.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dawngrad-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function put(...path: string[]): void {
  const file = join(folder, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '');
}

test('classes and samples are those of torchvision, in its order', () => {
  const dataset = new ImageFolder(join(GOLDEN_FOLDER, 'folder'));
  expect(dataset.classes).toEqual(golden.classes);
  const samples = dataset.samples.map(({ path, label }) => [relative(dataset.root, path), label]);
  expect(samples).toEqual(golden.samples);
});

test('links to folders are followed, dead links are ignored', () => {
  put('elsewhere', 'p.png');
  mkdirSync(join(folder, 'root', 'a'), { recursive: true });
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'root', 'b'));
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'root', 'a', 'more'));
  symlinkSync(join(folder, 'nowhere'), join(folder, 'root', 'dead'));
  const { classes, samples } = new ImageFolder(join(folder, 'root'));
  expect(classes).toEqual(['a', 'b']);
  expect(samples.map(({ path }) => relative(join(folder, 'root'), path))).toEqual(['a/more/p.png', 'b/p.png']);
});

test('hidden folders and ._ files are left out, and named', () => {
  put('root', 'a', 'p.png');
  put('root', 'a', '._p.png');
  put('root', 'a', '._notes');
  put('root', 'a', '.hidden.png');
  put('root', 'a', '.ipynb_checkpoints', 'p-checkpoint.png');
  put('root', '.ipynb_checkpoints', 'p-checkpoint.png');
  const { classes, samples, leftOut } = new ImageFolder(join(folder, 'root'));
  const short = (path: string) => relative(join(folder, 'root'), path);
  expect(classes).toEqual(['a']);
  // torchvision takes a hidden file for a picture.
  expect(samples.map(({ path }) => short(path))).toEqual(['a/.hidden.png', 'a/p.png']);
  expect(leftOut.map(short).sort()).toEqual(['.ipynb_checkpoints', 'a/._p.png', 'a/.ipynb_checkpoints']);
});

test('names that are not UTF-8 are listed in the order of Python, and their classes have printable names', () => {
  const bytes = (...parts: (string | number)[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));
  mkdirSync(bytes(folder, '/root/b', 0xff), { recursive: true });
  for (const name of [bytes('\uff5e.png'), bytes('😀.png'), bytes(0xff, '.png'), bytes('é.png')]) {
    writeFileSync(Buffer.concat([bytes(folder, '/root/b', 0xff, '/'), name]), '');
  }
  const { classes, samples } = new ImageFolder(join(folder, 'root'));
  expect(classes).toEqual(['b\\xff']);
  // Python sorts the surrogate of the byte before U+FF5E, and both before the emoji.
  const names = ['é.png', '\udcff.png', '\uff5e.png', '😀.png'];
  expect(samples.map(({ path }) => path)).toEqual(names.map((name) => join(folder, 'root', 'b\udcff', name)));
});

test('a pipe among the pictures does not stop the listing', () => {
  put('root', 'a', 'p.png');
  execFileSync('mkfifo', [join(folder, 'root', 'a', 'pipe.png')]);
  // Decoding refuses it by name.
  expect(new ImageFolder(join(folder, 'root')).length).toBe(2);
});

test('a circular link is an error', () => {
  put('root', 'a', 'p.png');
  symlinkSync(join(folder, 'root', 'a'), join(folder, 'root', 'a', 'again'));
  expect(() => new ImageFolder(join(folder, 'root'))).toThrow(/again: this link leads back/);
});

test('a missing folder is an error', () => {
  const path = join(folder, 'missing');
  expect(() => new ImageFolder(path)).toThrow(FileError);
  expect(() => new ImageFolder(path)).toThrow(`${path}: expected a folder of pictures, but there is nothing`);
});

test('a file instead of a folder is an error', () => {
  put('file');
  expect(() => new ImageFolder(join(folder, 'file'))).toThrow(/but this is a file/);
});

test('a folder without classes is an error', () => {
  put('stray.jpg');
  expect(() => new ImageFolder(folder)).toThrow(`${folder}: expected one folder of pictures per class`);
});

test('classes without a picture are named', () => {
  put('a', 'p.jpg');
  put('b', 'imageNotFound.gif');
  mkdirSync(join(folder, 'c'));
  expect(() => new ImageFolder(folder)).toThrow(`${folder}: found no picture for the classes b, c.`);
});

dataTest('the tutorial has 244 training and 153 validation pictures', (root) => {
  const count = (part: string) => {
    const { classes, samples } = new ImageFolder(join(root, part));
    return classes.map((name, label) => [name, samples.filter((sample) => sample.label === label).length]);
  };
  expect(count('train')).toEqual([
    ['ants', 123],
    ['bees', 121],
  ]);
  expect(count('val')).toEqual([
    ['ants', 70],
    ['bees', 83],
  ]);
});
