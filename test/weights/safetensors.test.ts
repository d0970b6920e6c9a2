/** safetensors: this reader and an independent one read the written files, and every invalid header is refused. */

import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Checkpoint,
  readCheckpoint,
  readSafetensors,
  type TensorData,
  writeSafetensors,
} from '../../src/weights/index.ts';
import { skipUnless } from '../support/skip.ts';
import { expectFileError, failsCleanly, floats, GOLDEN, makeFolder, makeSafetensors, put } from './helpers.ts';

const folder = makeFolder();

function checkpointOf(tensors: Record<string, TensorData>, metadata: Record<string, string> = {}): Checkpoint {
  return { tensors: new Map(Object.entries(tensors)), metadata };
}

const SMALL = checkpointOf(
  {
    '2': { shape: [2, 2], data: Float32Array.of(1, -0, NaN, Infinity), dtype: 'F32' },
    'bn.num_batches_tracked': { shape: [], data: Float32Array.of(12), dtype: 'I64' },
    'grüße "x"\n': { shape: [0, 3], data: new Float32Array(0), dtype: 'F32' },
    '1': { shape: [3], data: new Float32Array([9, 1, 2, 3]).subarray(1), dtype: 'F32' },
  },
  { note: 'ä "quoted"', epoch: '3' },
);

/** Writes a file with any header and data. */
function file(name: string, header: string | object, data: Uint8Array = new Uint8Array(0), length?: bigint): string {
  return put(folder, `${name}.safetensors`, makeSafetensors(header, data, length));
}

describe('writes', () => {
  const path = join(folder, 'small.safetensors');

  test('files that it can read', () => {
    const bytes = writeSafetensors(path, SMALL);
    expect(bytes).toBe(readFileSync(path).length);
    const { tensors, metadata } = readSafetensors(path);
    expect(metadata).toEqual(SMALL.metadata);
    expect(Object.fromEntries(tensors)).toEqual(Object.fromEntries(SMALL.tensors));
  });

  test('the same bytes for any order of tensors', () => {
    writeSafetensors(path, SMALL);
    const other = join(folder, 'other.safetensors');
    const { note, epoch } = SMALL.metadata as { note: string; epoch: string };
    writeSafetensors(other, { tensors: new Map([...SMALL.tensors].reverse()), metadata: { epoch, note } });
    expect(readFileSync(other).equals(readFileSync(path))).toBe(true);
  });

  test('a header padded to eight bytes, I64 first, then by name', () => {
    writeSafetensors(path, SMALL);
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE());
    expect(length % 8).toBe(0);
    const header = bytes.toString('utf8', 8, 8 + length);
    expect(header).toMatch(/\} *$/);
    expect([...header.matchAll(/"((?:[^"\\]|\\.)*)":\{"dtype"/g)].map((match) => match[1])).toEqual([
      'bn.num_batches_tracked',
      '1',
      '2',
      'grüße \\"x\\"\\n',
    ]);
  });

  test('tensors that were read with their bytes, unless someone changed their values', () => {
    const read = () => readSafetensors(file('u16', header, new Uint8Array(Uint16Array.of(7, 65535).buffer)));
    const header = { a: { dtype: 'U16', shape: [2], data_offsets: [0, 4] } };
    const write = (checkpoint: Checkpoint) => {
      writeSafetensors(path, checkpoint);
      const { dtype, data } = readSafetensors(path).tensors.get('a')!;
      return [dtype, ...data];
    };
    expect(write(read())).toEqual(['U16', 7, 65535]);
    const touched = read();
    expect(touched.tensors.get('a')!.data[1]).toBe(65535);
    expect(write(touched)).toEqual(['U16', 7, 65535]);
    touched.tensors.get('a')!.data[1] = 0.5;
    expect(write(touched)).toEqual(['F32', 7, 0.5]);
    const replaced = read();
    const tensor = { ...replaced.tensors.get('a')!, data: Float32Array.of(1, 2) };
    replaced.tensors.set('a', tensor);
    expect(write(replaced)).toEqual(['F32', 1, 2]);
    const copied = { ...read().tensors.get('a')! };
    expect([copied.bytes, ...copied.data]).toEqual([undefined, 7, 65535]);
  });

  test('no metadata key without metadata', () => {
    writeSafetensors(path, checkpointOf({ a: { shape: [1], data: Float32Array.of(1) } }));
    expect(readFileSync(path).toString('latin1')).not.toContain('__metadata__');
  });

  test.each<[string, Record<string, TensorData>, RegExp]>([
    [
      'a shape that does not fit',
      { a: { shape: [3], data: Float32Array.of(1) } },
      /"a" of shape \[3\] needs 3 values, but has 1/,
    ],
    ['I64 that is not whole', { a: { shape: [1], data: Float32Array.of(0.5), dtype: 'I64' } }, /not whole/],
    ['I64 that is not finite', { a: { shape: [1], data: Float32Array.of(Infinity), dtype: 'I64' } }, /not whole/],
    [
      'bytes that do not fit',
      { a: { shape: [2], data: Float32Array.of(1, 2), bytes: floats(1) } },
      /needs 8 bytes, but has 4/,
    ],
    ['half a character', { '\ud800': { shape: [1], data: Float32Array.of(1) } }, /"\\ud800" holds half a character/],
    ['a reserved name', { __metadata__: { shape: [1], data: Float32Array.of(1) } }, /rename it/],
  ])('nothing for %s', (name, tensors, found) => {
    const target = join(folder, `${name}.out`);
    expectFileError(() => writeSafetensors(target, checkpointOf(tensors)), target, found);
    expect(readdirSync(folder).filter((entry) => entry.endsWith('.out') || entry.endsWith('.tmp'))).toEqual([]);
  });

  test('any tensors', () => {
    const tensor = fc.array(fc.float({ noDefaultInfinity: false }), { maxLength: 8 }).map((values) => ({
      shape: [values.length],
      data: Float32Array.from(values),
      dtype: 'F32' as const,
    }));
    const name = fc.string({ unit: 'grapheme' }).filter((text) => text !== '__metadata__');
    fc.assert(
      fc.property(fc.array(fc.tuple(name, tensor), { maxLength: 5 }), (entries) => {
        const tensors = new Map(entries);
        writeSafetensors(path, { tensors, metadata: {} });
        expect(new Map([...readSafetensors(path).tensors].sort())).toEqual(new Map([...tensors].sort()));
      }),
      { seed: 4, numRuns: 50 },
    );
  });
});

describe('reads', () => {
  test('every dtype', () => {
    const parts = {
      F64: Float64Array.of(0.1),
      F32: Float32Array.of(0.5),
      I64: BigInt64Array.of(-3n),
      U64: BigUint64Array.of(2n ** 63n),
      I32: Int32Array.of(-4),
      U32: Uint32Array.of(4e9),
      F16: Uint16Array.of(0x3555),
      BF16: Uint16Array.of(0x3f80),
      F8_E4M3: Uint8Array.of(0x7e),
      F8_E5M2: Uint8Array.of(0x7b),
      I16: Int16Array.of(-5),
      U16: Uint16Array.of(65535),
      I8: Int8Array.of(-6),
      U8: Uint8Array.of(200),
      BOOL: Uint8Array.of(1),
    };
    let position = 0;
    const header: Record<string, unknown> = {};
    for (const [dtype, values] of Object.entries(parts)) {
      header[dtype.toLowerCase()] = { dtype, shape: [1], data_offsets: [position, position + values.byteLength] };
      position += values.byteLength;
    }
    const data = Buffer.concat(Object.values(parts).map((values) => new Uint8Array(values.buffer)));
    const { tensors } = readSafetensors(file('dtypes', header, data));
    const values = [...tensors.values()].map((tensor) => tensor.data[0]);
    const expected = [0.1, 0.5, -3, 2 ** 63, -4, 4e9, 0.333251953125, 1, 448, 57344, -5, 65535, -6, 200, 1];
    expect(values).toEqual(expected.map(Math.fround));
    expect([...tensors.values()].map((tensor) => tensor.dtype)).toEqual(Object.keys(parts));
  });

  test('float8 as the OCP specification says', () => {
    const read = (dtype: string, ...bytes: number[]) => {
      const header = { a: { dtype, shape: [bytes.length], data_offsets: [0, bytes.length] } };
      return [...readSafetensors(file(dtype, header, Uint8Array.from(bytes))).tensors.get('a')!.data];
    };
    // Zeros, the smallest and largest subnormal, the smallest normal, one, the largest, and the special values.
    expect(read('F8_E4M3', 0, 0x80, 1, 7, 8, 0x38, 0xfe, 0x7f, 0xff)).toEqual([
      0,
      -0,
      2 ** -9,
      7 * 2 ** -9,
      2 ** -6,
      1,
      -448,
      Number.NaN,
      Number.NaN,
    ]);
    expect(read('F8_E5M2', 0, 0x80, 1, 3, 4, 0x3c, 0xfb, 0x7c, 0xfc, 0x7d)).toEqual([
      0,
      -0,
      2 ** -16,
      3 * 2 ** -16,
      2 ** -14,
      1,
      -57344,
      Infinity,
      -Infinity,
      Number.NaN,
    ]);
  });

  test('a header of odd length and unaligned tensors', () => {
    const header = {
      b: { dtype: 'U8', shape: [1], data_offsets: [0, 1] },
      a: { dtype: 'F32', shape: [1], data_offsets: [1, 5] },
    };
    const { tensors } = readSafetensors(
      file('odd', `${JSON.stringify(header)} `, Buffer.concat([Buffer.of(7), floats(2.5)])),
    );
    expect(tensors.get('a')?.data[0]).toBe(2.5);
  });
});

describe('refuses', () => {
  const one = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
  const huge = 2 ** 53 - 1;
  test.each<[string, string | object, number, RegExp, bigint?]>([
    ['a header longer than the file', {}, 0, /announce a header of 99 bytes/, 99n],
    ['a header of 2^63 bytes', {}, 0, /announce a header/, 2n ** 63n],
    ['a header of no bytes', {}, 0, /announce a header of 0 bytes/, 0n],
    ['invalid JSON', '{"a":', 0, /header is invalid \(a value was expected, at character 5\)/],
    ['a list', '[1]', 0, /an object was expected/],
    ['deep JSON', `{"a":${'['.repeat(100_000)}`, 0, /nested deeper than 8/],
    ['JSON of many values', `{"a":[${'[],'.repeat(1000)}[]]}`, 0, /an entry has too many values/],
    ['text after the header', '{}{', 0, /text follows the object, at character 2/],
    ['a comma too many', '{"a":[1,]}', 0, /a value was expected/],
    ['a missing comma', '{"a":[1 2]}', 0, /"," or "\]" was expected/],
    ['a missing colon', '{"a" 1}', 0, /":" was expected/],
    ['a name without quotation marks', '{a:1}', 0, /a string was expected/],
    ['a string without end', '{"a\\"', 0, /a string does not end/],
    ['a raw escape sequence', '{"a":\u001b[2J}', 0, /^[\x20-\x7e]*a value was expected, at character 5\)/],
    ['a raw control character in a name', '{"a\u001b":1}', 0, /holds a control character/],
    ['an unknown escape', '{"\\x":1}', 0, /unknown escape/],
    ['half a character', '{"\\ud800":1}', 0, /half a character/],
    ['numbers that JSON lacks', '{"a":{"dtype":01}}', 0, /"," or "}" was expected/],
    ['a tensor that is a list', { a: [] }, 0, /has no dtype, expected one of F64/],
    ['an unknown dtype', { a: { ...one, dtype: 'C64' } }, 4, /dtype "C64", expected one of F64/],
    ['a dtype of the prototype', { a: { ...one, dtype: 'toString' } }, 4, /dtype "toString"/],
    ['no shape', { a: { dtype: 'F32', data_offsets: [0, 4] } }, 4, /lacks a shape/],
    ['a shape of strings', { a: { ...one, shape: ['1'] } }, 4, /lacks a shape/],
    ['a negative size', { a: { ...one, shape: [-1] } }, 4, /lacks a shape/],
    ['a fraction', { a: { ...one, shape: [1.5] } }, 4, /lacks a shape/],
    ['65 dimensions', { a: { ...one, shape: Array(65).fill(1) } }, 4, /lacks a shape/],
    ['a huge shape', { a: { ...one, shape: [huge, huge, huge] } }, 4, /the file is damaged/],
    ['three offsets', { a: { ...one, data_offsets: [0, 4, 8] } }, 4, /lacks a shape or data_offsets/],
    ['offsets that go back', { a: { ...one, data_offsets: [4, 0] } }, 4, /hold -4/],
    ['offsets that do not fit the shape', { a: { ...one, data_offsets: [0, 8] } }, 8, /takes 4 bytes.*hold 8/],
    ['tensors that overlap', { a: one, b: one }, 4, /"b" starts at byte 0 of the data, expected 4.*overlap/],
    ['a gap', { a: one, b: { ...one, data_offsets: [8, 12] } }, 12, /leave a gap/],
    ['missing data', { a: one }, 3, /take 4 bytes of data but 3 are there: the file is cut off/],
    ['extra data', { a: one }, 5, /take 4 bytes of data but 5 are there/],
    [
      'a repeated name',
      `{"a":${JSON.stringify(one)},"a":${JSON.stringify({ ...one, data_offsets: [4, 8] })}}`,
      8,
      /the name "a" is repeated/,
    ],
    [
      'a name repeated by an escape',
      `{"a":${JSON.stringify(one)},"\\u0061":${JSON.stringify({ ...one, data_offsets: [4, 8] })}}`,
      8,
      /the name "a" is repeated/,
    ],
    [
      'a repeated empty tensor',
      '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
      0,
      /the name "a" is repeated/,
    ],
    [
      'a repeated field',
      '{"a":{"dtype":"F64","dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
      0,
      /the name "dtype" is repeated/,
    ],
    ['metadata of numbers', { __metadata__: { epoch: 3 } }, 0, /not a map from strings to strings/],
    ['metadata of a string', { __metadata__: 'x' }, 0, /not a map/],
  ])('%s', (name, header, dataLength, found, length) => {
    const path = file(name, header, new Uint8Array(dataLength), length);
    expectFileError(() => readSafetensors(path), path, found);
  });

  test('text that is not UTF-8', () => {
    const path = put(folder, 'utf8', Buffer.from('\x05\0\0\0\0\0\0\0{"\xff"}', 'latin1'));
    expectFileError(() => readSafetensors(path), path, /not UTF-8/);
  });

  const whole = join(folder, 'whole.safetensors');
  writeSafetensors(whole, SMALL);
  const bytes = readFileSync(whole);

  test('a file that is cut off at any byte', () => {
    for (let length = 0; length < bytes.length; length++) {
      const path = put(folder, 'cut', bytes.subarray(0, length));
      expectFileError(() => readCheckpoint(path), path);
    }
  });

  test('or reads a file with changed bytes', () => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = Buffer.from(bytes);
        for (const [at, value] of changes) changed[at] = value;
        const path = put(folder, 'changed', changed);
        failsCleanly(() => readCheckpoint(path));
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

/** Written in another language, only from the format's description. */
const INDEPENDENT_READER = `
import json, math, struct, sys
raw = open(sys.argv[1], "rb").read()
(size,) = struct.unpack("<Q", raw[:8])
assert raw[8:9] == b"{" and size % 8 == 0
header = json.loads(raw[8:8 + size].decode("utf-8"))
out = {"metadata": header.pop("__metadata__", {}), "tensors": {}}
data, end = raw[8 + size:], 0
for name, info in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
    begin, stop = info["data_offsets"]
    letter = {"F32": "f", "I64": "q"}[info["dtype"]]
    assert begin == end and begin % struct.calcsize(letter) == 0
    values = struct.unpack("<%d%s" % (math.prod(info["shape"]), letter), data[begin:stop])
    out["tensors"][name] = [info["dtype"], info["shape"], [repr(value) for value in values]]
    end = stop
assert end == len(data)
print(json.dumps(out))
`;

const hasPython = spawnSync('python3', ['--version']).status === 0;

skipUnless(hasPython, 'no python3 here')('an independent reader in Python agrees', () => {
  const path = join(folder, 'python.safetensors');
  const checkpoint = readCheckpoint(join(GOLDEN, 'training.pth'));
  checkpoint.tensors.set('grüße', { shape: [0, 2], data: new Float32Array(0) });
  writeSafetensors(path, checkpoint);
  const read = JSON.parse(execFileSync('python3', ['-c', INDEPENDENT_READER, path], { encoding: 'utf8' })) as {
    metadata: Record<string, string>;
    tensors: Record<string, [string, number[], string[]]>;
  };
  expect(read.metadata).toEqual(checkpoint.metadata);
  expect(Object.keys(read.tensors).sort()).toEqual([...checkpoint.tensors.keys()].sort());
  for (const [name, { shape, data, dtype }] of checkpoint.tensors) {
    const [storedDtype, storedShape, values] = read.tensors[name]!;
    expect([storedDtype, storedShape]).toEqual([dtype ?? 'F32', shape]);
    expect(values.map(Number)).toEqual([...data]);
  }
});
