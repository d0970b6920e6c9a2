/** The pictures that the command's arguments name. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { leftOutLines } from '../../src/cli/left-out.ts';
import { findInputs } from '../../src/cli/predict-inputs.ts';
import { temporaryFolder, writeBroken } from './support.ts';

const root = temporaryFolder();
// At this point nothing checks whether they are pictures.
for (const path of ['b.jpg', 'a.PNG', 'notes.txt', 'sub/c.webp', 'sub/deep/d.bmp', 'other/b.jpg', 'saved/x.png']) {
  writeBroken(join(root, 'all', path));
}
mkdirSync(join(root, 'empty'));
const all = join(root, 'all');

test('what is left out is one line, which names at most three', () => {
  expect(leftOutLines([])).toEqual([]);
  expect(leftOutLines(['a/._b', 'a/.c\u001b', 'd', 'e'])).toEqual([
    'Left out: 4 hidden folders and ._ files, which are no pictures: a/._b, a/.c\\x1b, d, …',
  ]);
});

const pathsOf = (args: string[], except?: string) => findInputs(args, except).pictures.map(({ path }) => path);

test('a folder stands for all pictures below it, sorted, folder by folder', () => {
  const { pictures, problems } = findInputs([all]);
  expect(problems).toEqual([]);
  const places = ['a.PNG', 'b.jpg', 'other/b.jpg', 'saved/x.png', 'sub/c.webp', 'sub/deep/d.bmp'];
  expect(pictures).toEqual(places.map((place) => ({ path: join(all, place), place, folder: all })));
});

test('pictures keep the order of the arguments, and a repeated argument repeats its pictures', () => {
  const [first, second] = [join(all, 'sub/c.webp'), join(all, 'b.jpg')];
  const other = join(all, 'other');
  expect(pathsOf([first, other, second, first])).toEqual([first, join(other, 'b.jpg'), second, first]);
});

test('a file argument may have any extension; its place is its name', () => {
  const path = join(all, 'notes.txt');
  expect(findInputs([path])).toEqual({ pictures: [{ path, place: 'notes.txt' }], problems: [], leftOut: [] });
});

test('hidden folders and ._ files inside of folders are left out, and named', () => {
  const folder = join(root, 'hidden');
  for (const name of ['a.png', '._a.png', '.ipynb_checkpoints/a.png']) writeBroken(join(folder, name));
  const { pictures, leftOut } = findInputs([folder, join(folder, '._a.png')]);
  expect(pictures.map(({ place }) => place)).toEqual(['a.png', '._a.png']);
  expect(leftOut.map((path) => relative(folder, path)).sort()).toEqual(['._a.png', '.ipynb_checkpoints']);
});

test('an argument that is not UTF-8 is found, though Node gives its bytes as U+FFFD', () => {
  const folder = Buffer.concat([Buffer.from(join(root, 'bytes')), Buffer.of(0xff)]);
  mkdirSync(folder);
  for (const name of [[0xe9], [0x61, 0xe8], [0x62, 0xe8], [0x62, 0xe9]]) {
    writeFileSync(Buffer.concat([folder, Buffer.from('/'), Buffer.from(name), Buffer.from('.png')]), '');
  }
  const path = (name: string) => join(root, 'bytes\udcff', `${name}.png`);
  const lost = (name: string) => join(root, 'bytes\ufffd', `${name}.png`);
  expect(findInputs([lost('\ufffd'), lost('a\ufffd')]).pictures).toEqual([
    { path: path('\udce9'), place: '\udce9.png' },
    { path: path('a\udce8'), place: 'a\udce8.png' },
  ]);
  expect(pathsOf([join(root, 'bytes\ufffd')])).toHaveLength(4);
  // Two names come out alike.
  expect(findInputs([lost('b\ufffd')]).problems).toEqual([expect.stringMatching(/no such file or folder/)]);
});

test('an argument without pictures is reported, and the others are used', () => {
  const [missing, empty, good] = [join(root, 'missing.jpg'), join(root, 'empty'), join(all, 'b.jpg')];
  const { pictures, problems } = findInputs([missing, empty, good]);
  expect(pictures.map(({ path }) => path)).toEqual([good]);
  expect(problems).toEqual([
    `${missing}: no such file or folder. Check the path.`,
    expect.stringMatching(/empty: no picture in this folder \(\.jpg \.jpeg \.png /),
  ]);
});

test('a link to a folder that contains it is reported', () => {
  const folder = join(root, 'circle');
  writeBroken(join(folder, 'a.png'));
  symlinkSync(folder, join(folder, 'again'));
  expect(findInputs([folder]).problems).toEqual([expect.stringMatching(/circle.again: this link leads back/)]);
});

test('earlier annotated pictures are skipped in a folder that contains them, but not as arguments', () => {
  const saved = join(all, 'saved');
  const rest = pathsOf([all], saved);
  expect(rest).toHaveLength(5);
  expect(rest).not.toContain(join(saved, 'x.png'));
  expect(pathsOf([saved], saved)).toEqual([join(saved, 'x.png')]);
  expect(pathsOf([join(saved, 'x.png')], saved)).toEqual([join(saved, 'x.png')]);
  // Skipping "saved" must not skip "saved-not".
  writeBroken(join(all, 'saved-not', 'y.png'));
  expect(pathsOf([all], saved)).toContain(join(all, 'saved-not', 'y.png'));
  expect(pathsOf([all], join(root, 'not made yet'))).toHaveLength(7);
});
