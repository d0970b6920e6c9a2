/** Features on disk: kept, shared, mended, limited. */
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FeatureCache } from '../../../src/train/probe/cache.ts';
import { temporaryFolder } from '../support.ts';

const root = temporaryFolder();
let folders = 0;
const fresh = () => join(root, `${folders++}`);
const row = (value: number) => Float32Array.of(value, value / 3, -value);

interface Opened {
  readonly cache: FeatureCache;
  readonly notes: string[];
}

function open(folder: string, key = 'k', mostBytes?: number): Opened {
  const notes: string[] = [];
  const onNote = (text: string) => notes.push(text);
  return { cache: new FeatureCache({ folder, key, width: 3, onNote, ...(mostBytes && { mostBytes }) }), notes };
}

function keep(folder: string, values: Readonly<Record<string, number>>, key?: string, mostBytes?: number): string[] {
  const { cache, notes } = open(folder, key, mostBytes);
  for (const [name, value] of Object.entries(values)) cache.add(name, row(value));
  cache.flush();
  return notes;
}

const filesOf = (folder: string, key = 'k') => readdirSync(join(folder, key)).map((name) => join(folder, key, name));

test('a row comes back to the bit, under its name and key only', () => {
  const folder = fresh();
  expect(keep(folder, { a: 1, b: 2 })).toEqual([]);
  const { cache } = open(folder);
  expect(cache.get('b')).toEqual(row(2));
  expect(cache.get('c')).toBeUndefined();
  expect(open(folder, 'other').cache.get('b')).toBeUndefined();
});

test('processes that write at once lose no row', () => {
  const folder = fresh();
  const writers = [open(folder), open(folder), open(folder)];
  for (const [i, { cache }] of writers.entries()) {
    cache.add(`row ${i}`, row(i));
    cache.flush();
  }
  const { cache } = open(folder);
  for (const i of writers.keys()) expect(cache.get(`row ${i}`)).toEqual(row(i));
});

test('many files become one, which has all rows; a reader that began before keeps its own', () => {
  const folder = fresh();
  for (let i = 0; i < 8; i++) keep(folder, { [`row ${i}`]: i });
  const early = open(folder);
  expect(filesOf(folder)).toHaveLength(8);
  keep(folder, { last: 9 });
  expect(filesOf(folder)).toHaveLength(1);
  const { cache, notes } = open(folder);
  expect(notes).toEqual([]);
  for (let i = 0; i < 8; i++) expect(cache.get(`row ${i}`)).toEqual(row(i));
  expect(cache.get('last')).toEqual(row(9));
  expect(early.cache.get('row 3')).toEqual(row(3));
});

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['a changed value', (bytes) => Buffer.from(bytes.map((byte, i) => (i === bytes.length - 2 ? byte ^ 1 : byte)))],
  ['a cut file', (bytes) => bytes.subarray(0, bytes.length - 5)],
  ['another program’s file', () => Buffer.from('{"rows": []}')],
  ['an empty file', () => Buffer.alloc(0)],
  ['a changed name', (bytes) => Buffer.from(bytes.toString('latin1').replace('the-row', 'our-row'), 'latin1')],
])('%s is told, removed and written anew', (_, damage) => {
  const folder = fresh();
  keep(folder, { 'the-row': 1 });
  const [file] = filesOf(folder);
  writeFileSync(file!, damage(readFileSync(file!)));
  const { cache, notes } = open(folder);
  expect(notes).toEqual([expect.stringContaining(file!)]);
  expect(notes[0]).toMatch(/is removed, and its features are computed anew/);
  expect([cache.get('the-row'), cache.get('our-row')]).toEqual([undefined, undefined]);
  expect(filesOf(folder)).toEqual([]);
  keep(folder, { 'the-row': 1 });
  expect(open(folder).cache.get('the-row')).toEqual(row(1));
});

test('the files that were used least recently make room', () => {
  const folder = fresh();
  keep(folder, { a: 1 }, 'old');
  const size = statSync(filesOf(folder, 'old')[0]!).size;
  const long = new Date(Date.now() - 1e6);
  utimesSync(filesOf(folder, 'old')[0]!, long, long);
  keep(folder, { b: 1 }, 'new', 2.5 * size);
  expect(readdirSync(folder).sort()).toEqual(['new', 'old']);
  keep(folder, { c: 1 }, 'newer', 2.5 * size);
  expect(readdirSync(folder).sort()).toEqual(['new', 'newer']);
});

test('more rows than the cache may hold, and a folder that cannot be written, are told once', () => {
  const folder = fresh();
  expect(keep(folder, { a: 1, b: 2 }, 'k', 20)).toEqual([expect.stringMatching(/^The features are not kept.*2 rows/)]);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'k'), 'a file in the place of the folder');
  const { cache, notes } = open(folder);
  cache.add('a', row(1));
  cache.flush();
  cache.flush();
  expect(notes).toEqual([expect.stringMatching(/^The features are not kept/)]);
  expect(cache.get('a')).toEqual(row(1));
});

test('a folder with the name of a file of the cache is no file of it', () => {
  const folder = fresh();
  keep(folder, { a: 1 });
  mkdirSync(join(folder, 'k', 'x.safetensors'));
  const { cache, notes } = open(folder);
  expect(notes).toEqual([]);
  expect(cache.get('a')).toEqual(row(1));
});
