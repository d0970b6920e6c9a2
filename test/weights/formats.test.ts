/** Detection of a file's format, files that are no checkpoints, and the places of a state dict in a .pth. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCheckpoint, readSafetensors, writeSafetensors } from '../../src/weights/index.ts';
import {
  expectFileError,
  floats,
  GOLDEN,
  golden,
  int,
  makeFolder,
  pickle,
  put,
  tensorPickle,
  text,
  zipOf,
} from './helpers.ts';

const folder = makeFolder();

test('the content decides the format, not the name', () => {
  const zip = join(folder, 'zip.safetensors');
  copyFileSync(join(GOLDEN, 'plain.pth'), zip);
  const tensors = join(folder, 'tensors.pth');
  writeSafetensors(tensors, readCheckpoint(zip));
  expect(readCheckpoint(tensors).tensors.size).toBe(8);
  expectFileError(() => readSafetensors(zip), zip, /not a safetensors file/);
});

function tar(): Buffer {
  const bytes = Buffer.alloc(1024);
  bytes.write('sys_info');
  bytes.write('ustar', 257);
  return bytes;
}

test.each<[string, Buffer, RegExp]>([
  ['tar', tar(), /tar format of PyTorch 0\.1.*torch\.save\(torch\.load/],
  ['empty', Buffer.alloc(0), /the file is empty/],
  ['page', Buffer.from('\n<!DOCTYPE html><html>'), /a web page/],
  ['pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /Git LFS pointer/],
  ['gzip', Buffer.from([0x1f, 0x8b, 8, 0]), /gzip/],
  ['text', Buffer.from('hello, world'), /not a checkpoint.*68656c6c6f2c2077/],
  ['other pickle', pickle('\x80\x04}.'), /not one of torch\.save/],
  [
    'big-endian stream',
    Buffer.from(
      golden('stream.pth')
        .toString('latin1')
        .replace(/(?<=little_endianq.)\x88/s, '\x89'),
      'latin1',
    ),
    /big-endian/,
  ],
])('refuses: %s', (name, bytes, found) => {
  const path = put(folder, `${name}.pth`, bytes);
  expectFileError(() => readCheckpoint(path), path, found);
});

test('refuses a missing file, a folder and a pipe', () => {
  const missing = join(folder, 'no such.pth');
  expectFileError(() => readCheckpoint(missing), missing, /no such file/);
  expectFileError(() => readCheckpoint(folder), folder, /found a folder without it/);
  if (process.platform !== 'win32') {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expectFileError(() => readCheckpoint(pipe), pipe, /not a regular file/);
  }
});

const w = tensorPickle({ length: 2, shape: [2], strides: [1] });

/** A .pth with one pickled expression and one storage. */
function save(name: string, ...parts: readonly (string | Uint8Array)[]): string {
  return put(folder, `${name}.pth`, zipOf(pickle('\x80\x02', ...parts, '.'), { '0': floats(1, 2) }));
}

test.each<[string, (string | Uint8Array)[], string[]]>([
  ['a prefix on all names', ['}(', text('module.a'), w, text('module.b'), w, 'u'], ['a', 'b']],
  ['a prefix on some names', ['}(', text('module.a'), w, text('b'), w, 'u'], ['module.a', 'b']],
  ['two prefixes', ['}(', text('_orig_mod.module.a'), w, 'u'], ['a']],
  ['a name that is the prefix', ['}(', text('module.'), w, 'u'], ['module.']],
  ['wrappers in wrappers', ['}', text('model'), '}', text('state_dict'), '}', text('a'), w, 'sss'], ['a']],
  [
    'a name that JavaScript uses',
    ['}(', text('__proto__'), w, text('constructor'), w, 'u'],
    ['__proto__', 'constructor'],
  ],
])('reads %s', (name, parts, names) => {
  expect([...readCheckpoint(save(name, ...parts)).tensors.keys()]).toEqual(names);
});

test.each<[string, (string | Uint8Array)[], RegExp]>([
  ['no tensors', ['}(', text('epoch'), int(3), text('net'), '}u'], /only the keys "epoch", "net"/],
  ['an empty dict', ['}'], /none: it is empty/],
  ['a list', [']'], /found a list/],
  ['a dict beside tensors', ['}(', text('a'), w, text('b'), '}u'], /entry "b" is a dict, but a tensor was expected/],
  ['a control character in a name', ['}', text('\u001b[2J'), ']s'], /"\\u001b\[2J"/],
])('refuses %s', (name, parts, found) => {
  const path = save(name, ...parts);
  expectFileError(() => readCheckpoint(path), path, found);
});

test('metadata under a name that JavaScript uses stays plain data', () => {
  const path = save('proto', '}(', text('__proto__'), text('x'), text('a'), w, 'u');
  const { metadata } = readCheckpoint(path);
  expect(Object.entries(metadata)).toEqual([['__proto__', 'x']]);
  expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
  const out = join(folder, 'proto.safetensors');
  writeSafetensors(out, readCheckpoint(path));
  expect(readFileSync(out).toString()).toContain('{"__metadata__":{"__proto__":"x"}');
});
