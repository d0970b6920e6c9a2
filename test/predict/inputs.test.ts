/** Which pictures the command's arguments mean. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findInputs } from '../../src/cli/predict-inputs.ts';
import { temporaryFolder, writeBroken } from './support.ts';

const root = temporaryFolder();
// Whether they are pictures is not looked at yet.
for (const path of ['b.jpg', 'a.PNG', 'notes.txt', 'sub/c.webp', 'sub/deep/d.bmp', 'other/b.jpg', 'saved/x.png']) {
  writeBroken(join(root, 'all', path));
}
mkdirSync(join(root, 'empty'));
const all = join(root, 'all');

const pathsOf = (args: string[], except?: string) => findInputs(args, except).pictures.map(({ path }) => path);

test('a folder stands for all pictures below it, sorted, folder by folder', () => {
  const { pictures, problems } = findInputs([all]);
  expect(problems).toEqual([]);
  const places = ['a.PNG', 'b.jpg', 'other/b.jpg', 'saved/x.png', 'sub/c.webp', 'sub/deep/d.bmp'];
  expect(pictures).toEqual(places.map((place) => ({ path: join(all, place), place })));
});

test('the order is that of the arguments, and what is given twice comes twice', () => {
  const [first, second] = [join(all, 'sub/c.webp'), join(all, 'b.jpg')];
  const other = join(all, 'other');
  expect(pathsOf([first, other, second, first])).toEqual([first, join(other, 'b.jpg'), second, first]);
});

test('a file that is given is tried whatever its name ends in; its place is its name', () => {
  const path = join(all, 'notes.txt');
  expect(findInputs([path])).toEqual({ pictures: [{ path, place: 'notes.txt' }], problems: [] });
});

test('an argument that gives nothing is told of, and the others are taken', () => {
  const [missing, empty, good] = [join(root, 'missing.jpg'), join(root, 'empty'), join(all, 'b.jpg')];
  const { pictures, problems } = findInputs([missing, empty, good]);
  expect(pictures.map(({ path }) => path)).toEqual([good]);
  expect(problems).toEqual([
    `${missing}: no such file or folder. Check the path.`,
    expect.stringMatching(/empty: no picture in this folder \(\.jpg \.jpeg \.png /),
  ]);
});

test('a link that leads round in a circle is told of', () => {
  const folder = join(root, 'circle');
  writeBroken(join(folder, 'a.png'));
  symlinkSync(folder, join(folder, 'again'));
  expect(findInputs([folder]).problems).toEqual([expect.stringMatching(/circle.again: this link leads back/)]);
});

test('annotated pictures of earlier are left out of the folder around theirs, but taken where they are given', () => {
  const saved = join(all, 'saved');
  const rest = pathsOf([all], saved);
  expect(rest).toHaveLength(5);
  expect(rest).not.toContain(join(saved, 'x.png'));
  expect(pathsOf([saved], saved)).toEqual([join(saved, 'x.png')]);
  expect(pathsOf([join(saved, 'x.png')], saved)).toEqual([join(saved, 'x.png')]);
  // "saved" is no reason to leave out "saved-not".
  writeBroken(join(all, 'saved-not', 'y.png'));
  expect(pathsOf([all], saved)).toContain(join(all, 'saved-not', 'y.png'));
  expect(pathsOf([all], join(root, 'not made yet'))).toHaveLength(7);
});
