/** The zip container: the files of torch and of packers are read, damaged and hostile ones are refused. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../src/weights/index.ts';
import {
  expectFileError,
  failsCleanly,
  floats,
  golden,
  makeFolder,
  makePth,
  makeZip,
  put,
  type ZipOptions,
  zipOf,
} from './helpers.ts';

const folder = makeFolder();
const TENSORS = { w: { length: 4, shape: [2, 2], strides: [2, 1] } };
const STORAGES = { '0': floats(1, 2, 3, 4) };

function build(options: ZipOptions = {}): Buffer {
  return makePth(TENSORS, STORAGES, options);
}

describe('reads', () => {
  test.each<[string, ZipOptions]>([
    ['stored entries, padded to 64 bytes', {}],
    ['ZIP64 sizes and offsets', { zip64: true }],
    ['deflated entries', { deflate: true }],
    ['a comment that holds the end signature', { comment: 'PK\x05\x06 and more, twenty-two bytes' }],
  ])('%s', (name, options) => {
    const path = put(folder, `${name}.pth`, build(options));
    expect([...readCheckpoint(path).tensors.get('w')!.data]).toEqual([1, 2, 3, 4]);
  });

  test('entries at the root, without a folder', () => {
    const bytes = makeZip([
      ['data.pkl', pickleOf(build())],
      ['data/0', STORAGES['0']],
    ]);
    expect(readCheckpoint(put(folder, 'root.pth', bytes)).tensors.size).toBe(1);
  });
});

function pickleOf(zip: Buffer): Buffer {
  const start = zip.indexOf('\x80\x02}', 0, 'latin1');
  return zip.subarray(start, zip.indexOf('tRu.', start) + 4);
}

describe('refuses', () => {
  const edit = (change: (central: Buffer) => void): ZipOptions => ({ edit: change });
  test.each<[string, Buffer, RegExp]>([
    ['a wrong checksum', build(edit((c) => c.writeUInt32LE(1, 16))), /checksum \(CRC-32\)/],
    ['an encrypted entry', build(edit((c) => c.writeUInt16LE(1, 8))), /encrypted/],
    ['an unknown method', build(edit((c) => c.writeUInt16LE(93, 10))), /compression method 93/],
    ['an offset past the end', build(edit((c) => c.writeUInt32LE(0x7fffffff, 42))), /the file ends at/],
    ['an offset at no header', build(edit((c) => c.writeUInt32LE(1, 42))), /does not start where/],
    ['a size that grows', build(edit((c) => c.writeUInt32LE(0x7fffffff, 24))), /claims to hold/],
    ['a missing ZIP64 field', build(edit((c) => c.writeUInt32LE(0xffffffff, 42))), /lacks its ZIP64 size/],
    ['an entry that torch takes for a folder', build(edit((c) => c.writeUInt32LE(0x10, 38))), /marked as a folder/],
    ['an entry named as a folder', makeZip([['a/', floats(1)]]), /marked as a folder but holds 4 bytes/],
    ['a name past the directory', build(edit((c) => c.writeUInt16LE(0xffff, 28))), /runs past its end/],
    [
      'entries that overlap',
      build(edit((c) => void c.fill('\xf4\x01\0\0\xf4\x01\0\0', 20, 28, 'latin1'))),
      /they overlap/,
    ],
    ['a wrong unpacked size', build({ deflate: true, edit: (c) => c.writeUInt32LE(3, 24) }), /cannot be unpacked/],
    [
      'a larger unpacked size',
      build({ deflate: true, edit: (c) => c.writeUInt32LE(9999, 24) }),
      /its header says 9999/,
    ],
    ['a zip bomb', build({ deflate: true, edit: (c) => c.writeUInt32LE(0xfffffff0, 24) }), /zip bomb/],
    [
      'two entries with one name',
      makeZip([
        ['data.pkl', floats(1)],
        ['data.pkl', floats(2)],
      ]),
      /two entries named "data.pkl"/,
    ],
    ['another zip', makeZip([['hello.txt', floats(1)]]), /no data\.pkl/],
    ['an empty zip', makeZip([]), /no data\.pkl/],
    [
      'TorchScript',
      makeZip([
        ['m/data.pkl', floats(1)],
        ['m/constants.pkl', floats(1)],
      ]),
      /TorchScript/,
    ],
    ['big-endian numbers', zipWithByteOrder('big'), /byte order is "big"/],
    ['a pickle of 16 MB', zipOf(Buffer.alloc(2 ** 24 + 1)), /data\.pkl has 16777217 bytes/],
  ])('%s', (name, bytes, found) => {
    const path = put(folder, `bad ${name.replace('/', ' ')}.pth`, bytes);
    expectFileError(() => readCheckpoint(path), path, found);
  });

  function zipWithByteOrder(order: string): Buffer {
    return makeZip([
      ['a/data.pkl', pickleOf(build())],
      ['a/byteorder', Buffer.from(order)],
      ['a/data/0', STORAGES['0']],
    ]);
  }

  test('but not little-endian numbers', () => {
    expect(readCheckpoint(put(folder, 'little.pth', zipWithByteOrder('little'))).tensors.size).toBe(1);
  });
});

describe.each(['parameters.pth', 'stream.pth'])('%s, written by torch', (name) => {
  const whole = golden(name);

  test('is refused if it is cut off at any byte', () => {
    for (let length = 0; length < whole.length; length++) {
      const path = put(folder, `cut ${name}`, whole.subarray(0, length));
      expectFileError(() => readCheckpoint(path), path);
    }
  });

  test('is refused or read if bytes change', () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        const path = put(folder, `changed ${name}`, bytes);
        failsCleanly(() => readCheckpoint(path));
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
