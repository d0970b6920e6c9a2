/** The cost of reading has limits, whatever the file says: multiples of its size. */

import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { LIMIT_TEXT, mostBytes, readCheckpoint } from '../../src/weights/index.ts';
import {
  expectFileError,
  floats,
  makeFolder,
  makePth,
  makeSafetensors,
  pickle,
  put,
  tensorPickle,
  text,
  zipOf,
} from './helpers.ts';

const folder = makeFolder();

test('the limit is a stated multiple', () => {
  expect(LIMIT_TEXT).toBe("8 times the file's size and 1048576 bytes");
  expect([mostBytes(0), mostBytes(100)]).toEqual([2 ** 20, 2 ** 20 + 800]);
});

describe('refuses', () => {
  const scalar = { length: 1, shape: [1], strides: [1] };
  test.each<[string, () => Buffer, RegExp]>([
    [
      '2^24 values by strides of 0 in 64 dimensions',
      () =>
        makePth(
          { w: { length: 1, shape: [2 ** 24, ...Array(63).fill(1)], strides: Array(64).fill(0) } },
          { '0': floats(1) },
        ),
      /repeats values of its storage beyond 8 times/,
    ],
    [
      'many views that are copies, each within the limit',
      () =>
        makePth(
          Object.fromEntries(
            Array.from({ length: 40 }, (_, i) => [`t${i}`, { length: 65536, shape: [256, 256], strides: [1, 256] }]),
          ),
          { '0': new Uint8Array(4 * 65536) },
        ),
      /repeats values/,
    ],
    [
      'one storage under two dtypes',
      () =>
        makePth(
          { a: { ...scalar, storage: 'IntStorage' }, b: { ...scalar, storage: 'FloatStorage' } },
          { '0': floats(1) },
        ),
      /storage "0" is read as I32 and as F32/,
    ],
    [
      'one storage under two dtypes, of which one has no values',
      () => makePth({ a: scalar, b: { ...scalar, shape: [0], storage: 'IntStorage' } }, { '0': floats(1) }),
      /storage "0" is read as F32 and as I32/,
    ],
    [
      'one storage with two lengths, of which the second is too long',
      () => makePth({ a: scalar, b: { length: 4, shape: [4], strides: [1] } }, { '0': floats(1) }),
      /has 4 bytes, but 4 values of F32 take 16/,
    ],
    [
      'an entry that inflates to a thousand times its size',
      () =>
        makePth(
          { w: { length: 2 ** 22, shape: [2 ** 22], strides: [1] } },
          { '0': new Uint8Array(2 ** 24) },
          { deflate: true },
        ),
      /beyond 8 times the file's size .* zip bomb/,
    ],
    [
      'a compressed pickle of many steps',
      () => zipOf(pickle('\x80\x02', '}'.repeat(500_000), '.'), {}, { deflate: true }),
      /has more than 1\d{4} steps/,
    ],
    [
      'one long value under many names',
      () => {
        const names = Array.from({ length: 100 }, (_, i) => pickle(text(`n${i}`), 'h\0'));
        const long = [text('long'), text('y'.repeat(50_000)), 'q\0'];
        return zipOf(pickle('\x80\x02}(', text('w'), tensorPickle(scalar), ...long, ...names, 'u.'), {
          '0': floats(1),
        });
      },
      /values beside its tensors take more than 1048576 characters/,
    ],
    [
      'more tensors than any model has',
      () => {
        const names = Array.from({ length: 131_073 }, (_, i) => pickle(text(`n${i}`), 'h\0'));
        const first = [text('w'), tensorPickle(scalar), 'q\0'];
        return zipOf(Buffer.concat([pickle('\x80\x02}(', ...first), ...names, Buffer.from('u.')]), { '0': floats(1) });
      },
      /holds 131074 tensors, expected at most 131072/,
    ],
    [
      'more tensors than any model has, in safetensors',
      () => makeSafetensors(empties(131_073)),
      /holds more than 131072 tensors/,
    ],
  ])('%s', (name, make, found) => {
    const path = put(folder, `${name}.bin`, make());
    expectFileError(() => readCheckpoint(path), path, found);
  });
});

function empties(count: number): string {
  const entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
  return `{${Array.from({ length: count }, (_, i) => `"${i}":${entry}`).join(',')}}`;
}

test('repetition within the limit is read, in every element size', () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, i) => i);
  const storages = { ByteStorage: 1, HalfStorage: 2, IntStorage: 4, LongStorage: 8 };
  for (const [storage, size] of Object.entries(storages)) {
    const length = 16 / size;
    // The second element, three times; then backwards through two dimensions and one of size 1.
    const shape = [3, 1, 2];
    const path = put(
      folder,
      `${storage}.pth`,
      makePth({ w: { storage, length, offset: 0, shape, strides: [0, 7, 1] } }, { '0': bytes }),
    );
    const pair = [...bytes.subarray(0, 2 * size)];
    expect([...readCheckpoint(path).tensors.get('w')!.bytes!]).toEqual([...pair, ...pair, ...pair]);
  }
});

const COST = fileURLToPath(new URL('read-cost.ts', import.meta.url));

/** Memory that reading in a process of its own takes at most, beyond what it had, in bytes. */
function memoryOf(path: string): number {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', COST, path], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return Number(stdout);
}

describe('memory beyond 64 MiB stays within 64 times the file', () => {
  test.each<[string, () => Buffer]>([
    ['131,072 empty tensors', () => makeSafetensors(empties(131_072))],
    ['an entry of ten million values', () => makeSafetensors(`{"a":[${'[],'.repeat(10_000_000)}1]}`)],
    ['deep JSON in an entry', () => makeSafetensors(`{"a":${'['.repeat(10_000_000)}`)],
    ['deep JSON as class names', () => makeSafetensors(`{"__metadata__":{"classes":"${'['.repeat(10_000_000)}"}}`)],
    ['a pickle of empty dicts', () => zipOf(pickle('\x80\x02', '}'.repeat(990_000), '.'))],
    ['a pickle of marks', () => zipOf(pickle('\x80\x02', '('.repeat(990_000), '.'))],
    ['a pickle of dicts of one entry', () => zipOf(pickle('\x80\x02', '}NNs'.repeat(240_000), '.'))],
    [
      'many names of one tensor of 64 dimensions',
      () => {
        const ones = Array(64).fill(1);
        const names = Array.from({ length: 120_000 }, (_, i) => pickle(text(`n${i}`), 'h\0'));
        const first = pickle('\x80\x02}(', text('w'), tensorPickle({ length: 1, shape: ones, strides: ones }), 'q\0');
        return zipOf(Buffer.concat([first, ...names, Buffer.from('u.')]), { '0': floats(1) });
      },
    ],
  ])('%s', (name, make) => {
    const path = put(folder, `${name}.bin`, make());
    expect(memoryOf(path)).toBeLessThan(2 ** 26 + 64 * statSync(path).size);
  });
});

test('integers stay exact', () => {
  const bytes = new Uint8Array(BigInt64Array.of(16_777_217n, -(2n ** 62n)).buffer);
  const path = put(
    folder,
    'i64.pth',
    makePth({ n: { storage: 'LongStorage', length: 2, shape: [2], strides: [1] } }, { '0': bytes }),
  );
  const { bytes: read, data } = readCheckpoint(path).tensors.get('n')!;
  expect(Buffer.from(read!).equals(bytes)).toBe(true);
  expect([...data]).toEqual([2 ** 24, -(2 ** 62)]);
});
