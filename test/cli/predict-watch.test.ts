/** Folders that are watched: links in them, and their end. */
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { watchFolder } from '../../src/cli/predict-watch.ts';

const root = mkdtempSync(join(tmpdir(), 'dawngrad-watch-'));
let folders = 0;

function fresh(): string {
  const folder = join(root, `${folders++}`, 'camera');
  mkdirSync(folder, { recursive: true });
  return folder;
}

test('links are told once and not followed, and the watch goes on', async () => {
  const folder = fresh();
  symlinkSync('before', join(folder, 'before'));
  symlinkSync('..', join(folder, 'loop'));
  const notes: string[] = [];
  const watched = await watchFolder(folder, { onNote: (text) => notes.push(text) });
  try {
    symlinkSync('after', join(folder, 'after'));
    writeFileSync(join(folder, '..', 'outside.png'), 'outside');
    symlinkSync(join('..', 'outside.png'), join(folder, 'link.png'));
    writeFileSync(join(folder, 'real.png'), 'real');
    const { value } = await watched.arrivals(new AbortController().signal).next();
    expect(value).toEqual([{ path: join(folder, 'real.png'), place: 'real.png' }]);
    const told = ['after', 'before', 'link.png', 'loop'];
    expect(notes.sort()).toEqual(
      told.map((name) => `${join(folder, name)}: this is a link, which --watch does not follow.`),
    );
  } finally {
    await watched.close();
  }
});

test('the watched folder itself may be a link', async () => {
  const folder = fresh();
  const link = join(folder, '..', 'link');
  symlinkSync('camera', link);
  const watched = await watchFolder(link);
  try {
    copyFileSync(import.meta.filename, join(folder, 'new.png'));
    const { value } = await watched.arrivals(new AbortController().signal).next();
    expect(value).toEqual([{ path: join(link, 'new.png'), place: 'new.png' }]);
  } finally {
    await watched.close();
  }
});

test.each<[string, (folder: string) => void]>([
  ['removed', (folder) => rmSync(folder, { recursive: true })],
  ['moved away', (folder) => renameSync(folder, `${folder}-old`)],
  [
    'another one',
    (folder) => {
      renameSync(folder, `${folder}-old`);
      mkdirSync(folder);
    },
  ],
])('a watched folder that is %s ends the watch with a sentence', async (_, change) => {
  const folder = fresh();
  const watched = await watchFolder(folder);
  try {
    const next = watched.arrivals(new AbortController().signal).next();
    change(folder);
    await expect(next).rejects.toThrow(`${folder}: the watched folder is no longer there. Start --watch again`);
  } finally {
    await watched.close();
  }
});
