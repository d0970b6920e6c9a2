/** `writeFileAtomic` writes a file whole or not at all and leaves no temporary file. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeFileAtomic } from '../../src/weights/atomic.ts';
import { asFileError } from '../../src/weights/file.ts';
import { expectFileError, makeFolder } from './helpers.ts';

const folder = makeFolder();

test('writes all chunks and replaces an existing file', () => {
  const path = join(folder, 'a.txt');
  writeFileSync(path, 'old and longer than the new one');
  expect(writeFileAtomic(path, [Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')])).toBe(7);
  expect(readFileSync(path, 'utf8')).toBe('one two');
  expect(readdirSync(folder)).toEqual(['a.txt']);
});

test('keeps the old file if the chunks throw, and passes on their error', () => {
  const path = join(folder, 'a.txt');
  writeFileSync(path, 'old');
  const chunks = function* (): Generator<Uint8Array> {
    yield Buffer.from('half');
    throw new RangeError('no more');
  };
  expect(() => writeFileAtomic(path, chunks())).toThrow(RangeError);
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['a.txt']);
});

test('names the file that cannot be written, and leaves nothing', () => {
  const missing = join(folder, 'no', 'a.txt');
  expectFileError(() => writeFileAtomic(missing, []), missing, /its folder does not exist/);
  const taken = join(folder, 'taken');
  mkdirSync(join(taken, 'inside'), { recursive: true });
  expectFileError(() => writeFileAtomic(taken, [Buffer.from('x')]), taken, /cannot be written/);
  expect(readdirSync(folder).sort()).toEqual(['a.txt', 'taken']);
});

test.each([
  [
    'EACCES',
    'written',
    /x\.png: cannot be written: you have no right to write in its folder \(EACCES\); choose another/,
  ],
  ['EROFS', 'written', /x\.png: cannot be written: nothing can be written there \(EROFS\)/],
  ['EACCES', 'read', /x\.png: cannot be read: you have no right to read it \(EACCES\); change its rights/],
] as const)('%s of a file to be %s is told without the temporary file', (code, verb, message) => {
  const cause = Object.assign(new Error(`${code}: open '/x/.dawngrad-1.tmp'`), { code });
  const told = asFileError('x.png', verb, cause);
  expect(told.message).toMatch(message);
  expect(told.message).not.toContain('.tmp');
  expect(told.cause).toBe(cause);
});

test('accepts the longest name that the file system allows', () => {
  const path = join(folder, 'n'.repeat(255));
  writeFileAtomic(path, [Buffer.from('x')]);
  expect(readFileSync(path, 'utf8')).toBe('x');
});
