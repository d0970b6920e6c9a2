/** Zips that are unpacked, and zips that are refused before a byte is written. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8, type Zippable, zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { ZipError } from '../../src/fetch/errors.ts';
import { type UnzipLimits, unzip } from '../../src/fetch/unzip.ts';
import { filesBelow } from '../support/server.ts';
import { temporaryFolder } from '../train/support.ts';

const root = temporaryFolder();
let number = 0;

/** Unpacks into a folder inside an empty one, so that escaped files would be seen. */
async function unpack(bytes: Uint8Array, limits?: UnzipLimits) {
  const around = join(root, `${number++}`);
  mkdirSync(around);
  const archive = join(root, `${number}.zip`);
  writeFileSync(archive, bytes);
  const folder = join(around, 'folder');
  const result = await unzip(archive, folder, { ...(limits && { limits }) }).catch((error: unknown) => error);
  return { around, folder, result };
}

const unix = (mode: number) => ({ os: 3, attrs: mode * 2 ** 16 });
const text = strToU8('hello');

test('stored and deflated files, folders and other alphabets are unpacked; system files are skipped', async () => {
  const large = new Uint8Array(300_000).map((_, i) => (i * i) % 251);
  const { folder, result } = await unpack(
    zipSync({
      'top/': new Uint8Array(),
      'top/empty/': new Uint8Array(),
      'top/stored.bin': [large, { level: 0 }],
      'top/deep/er/deflated.bin': [large, { level: 9 }],
      'top/Bienen–蜜蜂.txt': [text, unix(0o100644)],
      'top/a..b/...txt': text,
      '__MACOSX/top/._stored.bin': text,
      'top/.DS_Store': text,
      'top/deep/._deflated.bin': text,
    }),
  );
  expect(result).toEqual(
    new Map([
      ['top/stored.bin', 300_000],
      ['top/deep/er/deflated.bin', 300_000],
      ['top/Bienen–蜜蜂.txt', 5],
      ['top/a..b/...txt', 5],
    ]),
  );
  expect(filesBelow(folder)).toEqual([...(result as Map<string, number>).keys()].sort());
  expect(readFileSync(join(folder, 'top/deep/er/deflated.bin')).equals(large)).toBe(true);
  expect(readFileSync(join(folder, 'top/stored.bin')).equals(large)).toBe(true);
  expect(existsSync(join(folder, 'top/empty'))).toBe(true);
});

test.each<[string, Zippable, RegExp]>([
  ['..', { '../evil': text }, /would leave the folder it is unpacked to, "\.\.\/evil"/],
  ['.. further in', { 'top/../../evil': text }, /would leave/],
  ['.. at the end', { 'top/..': text }, /would leave/],
  ['an absolute path', { '/tmp/dawngrad-evil': text }, /would leave/],
  ['a backslash', { '..\\evil': text }, /would leave/],
  ['a drive letter', { 'C:evil': text }, /would leave/],
  ['a Windows stream', { 'top/a.txt:evil': text }, /name is not allowed/],
  ['a control character', { 'top/a\u0000.txt': text }, /name is not allowed/],
  ['an empty part', { 'top//a.txt': text }, /name is not allowed/],
  ['a dot', { './a.txt': text }, /name is not allowed/],
  ['a symbolic link', { 'top/link': [strToU8('/etc/passwd'), unix(0o120777)] }, /is a symbolic link, "top\/link"/],
  ['a device', { 'top/null': [text, unix(0o020666)] }, /neither a file nor a folder/],
  ['a file below a file', { top: text, 'top/a.txt': text }, /two entries with the same name/],
])('an entry with %s is refused, and the others are not unpacked', async (_, entries, message) => {
  const { around, result } = await unpack(zipSync({ 'good.txt': text, ...entries }));
  expect(result).toBeInstanceOf(ZipError);
  expect((result as Error).message).toMatch(message);
  expect(filesBelow(around)).toEqual([]);
  expect(existsSync('/tmp/dawngrad-evil')).toBe(false);
});

test('a duplicate name', async () => {
  const bytes = Buffer.from(zipSync({ 'a1.txt': text, 'a2.txt': text }));
  for (let at = bytes.indexOf('a2.txt'); at >= 0; at = bytes.indexOf('a2.txt')) bytes.write('a1.txt', at);
  expect((await unpack(bytes)).result).toMatchObject({ message: 'has two entries with the same name, "a1.txt"' });
});

test('more bytes or entries than the limits', async () => {
  const bytes = zipSync({ 'zeros.bin': new Uint8Array(2_000_000), 'b.txt': text });
  expect(bytes.byteLength).toBeLessThan(10_000);
  const bomb = await unpack(bytes, { entries: 2, bytes: 2_000_004 });
  expect(bomb.result).toMatchObject({ message: expect.stringMatching(/2000005 bytes, more than 2000004: .*zip bomb/) });
  expect(readdirSync(bomb.around)).toEqual([]);
  expect((await unpack(bytes, { entries: 1, bytes: 1e9 })).result).toMatchObject({
    message: 'has 2 entries, more than 1',
  });
  expect((await unpack(bytes, { entries: 2, bytes: 2_000_005 })).result).toBeInstanceOf(Map);
});

test('an entry that is larger than it claims', async () => {
  const bytes = Buffer.from(zipSync({ 'zeros.bin': new Uint8Array(2_000_000) }));
  const size = Buffer.from(new Uint32Array([2_000_000]).buffer);
  for (let at = bytes.indexOf(size); at >= 0; at = bytes.indexOf(size)) bytes.writeUInt32LE(10, at);
  expect((await unpack(bytes)).result).toMatchObject({
    name: 'ZipError',
    message: expect.stringMatching(/too many bytes/),
  });
});

test('a zip that is cut off or changed, and a file that is not a zip', async () => {
  const bytes = zipSync({
    'a.txt': [text, { level: 0 }],
    'b.bin': new Uint8Array(50_000).map((_, i) => (i * i) % 251),
  });
  for (const cut of [0, 10, bytes.byteLength >> 1, bytes.byteLength - 1]) {
    const { result } = await unpack(bytes.subarray(0, cut));
    expect(result, `${cut}`).toBeInstanceOf(ZipError);
    expect((result as Error).message).toMatch(/is not a complete zip archive/);
  }
  const changed = Buffer.from(bytes);
  changed.write('jello', changed.indexOf('hello'));
  expect((await unpack(changed)).result).toMatchObject({
    message: 'is damaged: the checksum of "a.txt" does not match',
  });
  expect((await unpack(strToU8('<html>Sign in to the network</html>'))).result).toBeInstanceOf(ZipError);
});

test('an abort in the middle rejects with its reason', async () => {
  const archive = join(root, 'abort.zip');
  writeFileSync(archive, zipSync({ 'a.txt': text }));
  const reason = new Error('enough');
  await expect(unzip(archive, join(root, 'aborted'), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
