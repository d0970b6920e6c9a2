/** A cache of features that belongs to another user, or lies where nothing may be written. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { FeatureCache } from '../../../src/train/probe/cache.ts';

/** Calls of the file system that are refused, by their code. */
const refused = vi.hoisted(() => ({ utimesSync: '', rmSync: '', openSync: '' }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const guarded = Object.keys(refused).map((name) => {
    const call = fs[name as 'rmSync'] as (...args: unknown[]) => unknown;
    return [
      name,
      (...args: unknown[]) => {
        const code = refused[name as 'rmSync'];
        if (code !== '' && String(args[0]).endsWith('.safetensors')) throw Object.assign(new Error(code), { code });
        return call(...args);
      },
    ];
  });
  return { ...fs, ...Object.fromEntries(guarded) };
});

afterEach(() => Object.assign(refused, { utimesSync: '', rmSync: '', openSync: '' }));

function open(folder: string, mostBytes?: number): { cache: FeatureCache; notes: string[] } {
  const notes: string[] = [];
  const onNote = (text: string) => notes.push(text);
  return { cache: new FeatureCache({ folder, key: 'k', width: 1, onNote, ...(mostBytes && { mostBytes }) }), notes };
}

function filled(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dawngrad-cache-'));
  const { cache } = open(folder);
  cache.add('a', Float32Array.of(1));
  cache.flush();
  return folder;
}

const fileOf = (folder: string) => join(folder, 'k', readdirSync(join(folder, 'k'))[0]!);

test.each(['EPERM', 'EROFS'])('a file whose time may not be set (%s) is read, kept and not spoken of', (code) => {
  const folder = filled();
  Object.assign(refused, { utimesSync: code, rmSync: code });
  const { cache, notes } = open(folder);
  expect([cache.get('a'), notes]).toEqual([Float32Array.of(1), []]);
  expect(readdirSync(join(folder, 'k'))).toHaveLength(1);
});

test('a damaged file that may not be removed stays, told; one that may not be read is not removed', () => {
  const folder = filled();
  const file = fileOf(folder);
  refused.openSync = 'EACCES';
  expect(open(folder).notes).toEqual([expect.stringMatching(/EACCES.*This file of the cache stays where it is/)]);
  refused.openSync = '';
  writeFileSync(file, readFileSync(file).subarray(0, -1));
  refused.rmSync = 'EACCES';
  const { cache, notes } = open(folder);
  expect(notes).toEqual([
    `${file}: is damaged. This file of the cache stays where it is, and its features are computed anew.`,
  ]);
  expect(cache.get('a')).toBeUndefined();
  expect(readdirSync(join(folder, 'k'))).toHaveLength(1);
});

test('old files that may not be removed make no room, and the new one is kept', () => {
  const folder = filled();
  refused.rmSync = 'EACCES';
  const { cache, notes } = open(folder, 10);
  cache.add('b', Float32Array.of(2));
  cache.flush();
  expect(notes).toEqual([]);
  refused.rmSync = '';
  expect(open(folder).cache.get('b')).toEqual(Float32Array.of(2));
});
