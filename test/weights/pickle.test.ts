/** Hostile and damaged pickles give a FileError that says what was found. Nothing runs, hangs or exhausts memory. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../src/weights/index.ts';
import { readPickle } from '../../src/weights/pickle.ts';
import { PickleDict, type PickleValue } from '../../src/weights/pickle-values.ts';
import { torchGlobals } from '../../src/weights/torch-objects.ts';
import {
  expectFileError,
  failsCleanly,
  floats,
  int,
  makeFolder,
  makePth,
  pickle,
  put,
  text,
  zipOf,
} from './helpers.ts';

const folder = makeFolder();

function read(bytes: Uint8Array): PickleValue {
  return readPickle(bytes, 0, {
    file: 'x.pth',
    fileSize: bytes.length,
    findGlobal: torchGlobals('x.pth'),
    persistentLoad: (id) => id,
  }).value;
}

describe('refuses', () => {
  const global = (module: string, name: string) => `c${module}\n${name}\n`;
  test.each<[string, Buffer, RegExp]>([
    [
      'os.system',
      pickle('\x80\x02', global('os', 'system'), '(', text('true'), 'tR.'),
      /"os\.system".*nothing was run/,
    ],
    ['posix.system', pickle('\x80\x02', global('posix', 'system'), '.'), /"posix\.system"/],
    ['builtins.eval by STACK_GLOBAL', pickle('\x80\x04', text('builtins'), text('eval'), '\x93.'), /"builtins\.eval"/],
    [
      'a dotted name that bypasses the list',
      pickle('\x80\x04', text('torch'), text('_utils.os.system'), '\x93.'),
      /refused/,
    ],
    ['an attribute of the prototype', pickle(global('torch', 'constructor'), '.'), /"torch\.constructor"/],
    [
      'a storage class that does not exist',
      pickle(global('torch', 'toStringStorage'), '.'),
      /"torch\.toStringStorage"/,
    ],
    ['calling a storage class', pickle(global('torch', 'FloatStorage'), ')R.'), /calls the global torch\.FloatStorage/],
    ['calling a string', pickle(text('f'), ')R.'), /calls a string/],
    ['calling with a list', pickle(global('collections', 'OrderedDict'), ']R.'), /calls/],
    ['INST', pickle('(', 'ios\nsystem\n.'), /opcode 0x69/],
    ['OBJ', pickle('(', global('collections', 'OrderedDict'), 'o.'), /opcode 0x6f/],
    ['NEWOBJ', pickle(global('collections', 'OrderedDict'), ')\x81.'), /opcode 0x81/],
    ['extension codes', pickle('\x82\x01.'), /opcode 0x82/],
    ['attributes of a dict', pickle('}}b.'), /sets attributes of a dict/],
    ['attributes of a global', pickle(global('torch', 'FloatStorage'), '}b.'), /sets attributes of the global/],
    ['protocol 6', pickle('\x80\x06N.'), /protocol 6/],
    ['an empty stack', pickle('.'), /more from its stack/],
    ['POP below a mark', pickle('N(0.'), /more from its stack/],
    ['a missing mark', pickle('Nt.'), /more from its stack/],
    ['an unknown memo entry', pickle('h\x07.'), /memo entry 7/],
    ['a string longer than the file', pickle('X\xff\xff\xff\xff', 'abc'), /4294967295 bytes expected, 3 left/],
    ['a string of 2^64 bytes', pickle('\x8d\xff\xff\xff\xff\xff\xff\xff\xff', 'abc'), /ends early/],
    ['a frame longer than the file', pickle('\x95\xff\xff\xff\xff\xff\xff\xff\x7f', 'N.'), /ends early/],
    ['an integer of many digits', pickle('\x8b\0\0\0\x01', new Uint8Array(2 ** 24)), /an integer has 16777216 bytes/],
    ['an integer of negative length', pickle('\x8b\xff\xff\xff\xff.'), /an integer has -1 bytes/],
    ['a global without end', pickle('c', 'a'.repeat(5000)), /no end or an overlong name/],
    ['text that is not UTF-8', pickle('U\x01\xff.'), /not valid UTF-8/],
    ['an odd number of items', pickle('}(NNNu.'), /sets items/],
    ['appending to a dict', pickle('}Na.'), /appends to a dict/],
    ['an OrderedDict without pairs', pickle(global('collections', 'OrderedDict'), '](Ne\x85R.'), /list of pairs/],
    ['a torch.Size without a tuple', pickle(global('torch', 'Size'), 'N\x85R.'), /torch\.Size/],
    [
      'a Parameter without a tensor',
      pickle(global('torch._utils', '_rebuild_parameter'), 'N\x85R.'),
      /Parameter holds None/,
    ],
    ['a tensor without arguments', pickle(global('torch._utils', '_rebuild_tensor_v2'), ')R.'), /a tensor is not/],
  ])('%s', (_, bytes, found) => {
    expectFileError(() => read(bytes), 'x.pth', found);
  });

  test('a huge number of objects', () => {
    expectFileError(() => read(Buffer.alloc(2 ** 22, '}')), 'x.pth', /more than 1000000 steps/);
    expectFileError(() => read(Buffer.alloc(2 ** 22, '(')), 'x.pth', /more than 1000000 steps/);
  });

  test('one list that becomes a dict repeatedly', () => {
    const dict = pickle('ccollections\nOrderedDict\n');
    expectFileError(() => read(pickle(dict, 'q\0', ']q\x01', '\x85R', 'h\0h\x01\x85R.')), 'x.pth', /OrderedDict/);
  });
});

test('nested lists (a billion laughs) and a dict that contains itself cost nothing', () => {
  // Each level holds the previous one ten times.
  let bytes = pickle(']q\0');
  for (let level = 1; level < 60; level++) {
    const before = String.fromCharCode(level - 1);
    bytes = pickle(bytes, `](${`h${before}`.repeat(10)}eq${String.fromCharCode(level)}`);
  }
  expect(Array.isArray(read(pickle(bytes, '.')))).toBe(true);

  const self = put(folder, 'self.pth', zipOf(pickle('\x80\x02}q\0', text('state_dict'), 'h\0s.')));
  expectFileError(() => readCheckpoint(self), self, /no dict of tensors/);
});

test('deep nesting does not overflow the stack', () => {
  expect(read(Buffer.concat([Buffer.alloc(200_000, ']'), Buffer.alloc(199_999, 'a'), Buffer.from('.')]))).toHaveLength(
    1,
  );
});

test('reads integers, floats and bytes of every width', () => {
  const numbers = pickle(
    '(K\xffM\xff\xffJ\xff\xff\xff\xff\x8a\0\x8a\x01\x80G\x3f\xf8\0\0\0\0\0\0\x8a\x09\0\0\0\0\0\0\0\0\x01',
  );
  const value = read(pickle('](', numbers, 'tC\x02hi\x88\x89N', 'e.')) as PickleValue[];
  expect(value[0]).toEqual({ items: [255, 65535, -1, 0, -128, 1.5, 2n ** 64n] });
  expect(value[1]).toEqual(Buffer.from('hi'));
  expect(value.slice(2)).toEqual([true, false, null]);
});

test('reads an OrderedDict as Python 2 writes it', () => {
  const dict = read(pickle('ccollections\nOrderedDict\n](](', text('a'), int(1), 'ee\x85R.')) as PickleDict;
  expect(dict).toBeInstanceOf(PickleDict);
  expect([...dict.entries]).toEqual([['a', 1]]);
});

describe('refuses tensors out of bounds', () => {
  const storage = { '0': floats(1, 2, 3, 4) };
  test.each<[string, Parameters<typeof makePth>[0][string], RegExp]>([
    ['too long', { length: 4, shape: [5], strides: [1] }, /reaches outside its storage of 4 values/],
    ['offset', { length: 4, offset: 3, shape: [2], strides: [1] }, /reaches outside/],
    ['stride', { length: 4, shape: [2, 2], strides: [3, 1] }, /reaches outside/],
    ['negative stride', { length: 4, offset: 3, shape: [2], strides: [-1] }, /as torch writes it/],
    ['negative size', { length: 4, shape: [-2], strides: [1] }, /as torch writes it/],
    ['overflowing shape', { length: 4, shape: [2 ** 40, 2 ** 40], strides: [0, 0] }, /reaches outside/],
    ['ranks that differ', { length: 4, shape: [2, 2], strides: [1] }, /as torch writes it/],
    ['65 dimensions', { length: 4, shape: Array(65).fill(1), strides: Array(65).fill(1) }, /as torch writes it/],
    ['endless repetition', { length: 4, shape: [2 ** 40], strides: [0] }, /repeats values/],
    [
      'storage shorter than claimed',
      { length: 5, shape: [5], strides: [1] },
      /has 16 bytes, but 5 values of F32 take 20/,
    ],
    ['storage of another type', { storage: 'HalfStorage', length: 4, shape: [4], strides: [1] }, /of F16 take 8/],
    ['missing storage', { key: '../0', length: 4, shape: [4], strides: [1] }, /storage "..\/0" is missing/],
    [
      'lazy negative',
      { length: 4, shape: [4], strides: [1], metadata: pickle('}', text('neg'), '\x88s') },
      /resolve_neg/,
    ],
  ])('%s', (name, tensor, found) => {
    const path = put(folder, `${name}.pth`, makePth({ w: tensor }, storage));
    expectFileError(() => readCheckpoint(path), path, found);
  });

  test('but reads repetition within the limit', () => {
    const path = put(
      folder,
      'repeat.pth',
      makePth({ w: { length: 4, offset: 1, shape: [2, 3], strides: [1, 0] } }, storage),
    );
    expect([...readCheckpoint(path).tensors.get('w')!.data]).toEqual([2, 2, 2, 3, 3, 3]);
  });
});

describe('dtypes that torch stores as bytes since 2.1', () => {
  const bytes = Uint8Array.of(0, 0, 0xff, 0xff, 1, 0, 0, 0x80);
  test.each<[string, string, number, number[]]>([
    ['uint16', 'U16', 2, [0, 65535, 1, 32768]],
    ['uint32', 'U32', 4, [0xffff0000, 0x80000001]],
    ['uint64', 'U64', 8, [0x80000001ffff0000]],
    ['float8_e5m2', 'F8_E5M2', 1, [0, 0, Number.NaN, Number.NaN, 2 ** -16, 0, 0, -0]],
    ['float8_e4m3fn', 'F8_E4M3', 1, [0, 0, Number.NaN, Number.NaN, 2 ** -9, 0, 0, -0]],
  ])('%s', (newDtype, dtype, size, values) => {
    const length = 8 / size;
    const tensor = { length: 8, newDtype, shape: [length], strides: [1] };
    const read = readCheckpoint(put(folder, `${newDtype}.pth`, makePth({ w: tensor }, { '0': bytes }))).tensors.get(
      'w',
    )!;
    expect(read.dtype).toBe(dtype);
    expect([...read.bytes!]).toEqual([...bytes]);
    expect([...read.data]).toEqual(values.map(Math.fround));
  });

  const good = { length: 8, newDtype: 'uint32', shape: [2], strides: [1] };
  test.each<[string, Parameters<typeof makePth>[0][string], RegExp]>([
    ['a dtype that is not one', { ...good, newDtype: 'save' }, /"torch\.save".*refused/],
    ['bytes that are no whole values', { ...good, length: 6 }, /6 bytes holds no whole values of U32/],
    ['a shape beyond the bytes', { ...good, shape: [3] }, /reaches outside its storage of 2 values/],
    ['fewer bytes than claimed', { ...good, length: 16, shape: [4] }, /has 8 bytes, but 4 values of U32 take 16/],
    ['a negative bit', { ...good, metadata: pickle('}', text('neg'), '\x88s') }, /resolve_neg/],
  ])('%s', (name, tensor, found) => {
    const path = put(folder, `new ${name}.pth`, makePth({ w: tensor }, { '0': bytes }));
    expectFileError(() => readCheckpoint(path), path, found);
  });
});

describe('refuses damage or reads the file', () => {
  const tensors = {
    w: { length: 4, shape: [2, 2], strides: [1, 2] },
    v: { length: 4, offset: 1, shape: [3], strides: [1] },
  };
  const storage = { '0': floats(1, 2, 3, 4) };
  const whole = Buffer.concat([
    pickle('\x80\x02}('),
    ...Object.entries(tensors).map(([name, tensor]) => pickle(text(name), tensorOf(tensor))),
    pickle('u.'),
  ]);
  function tensorOf(tensor: Parameters<typeof makePth>[0][string]): Buffer {
    // Taken from a whole file, so this is the same pickle as in the other tests.
    const zip = makePth({ w: tensor }, {});
    const start = zip.indexOf('ctorch._utils');
    return zip.subarray(start, zip.indexOf('u.', start));
  }

  test('when it is cut off at any byte', () => {
    expect(readCheckpoint(put(folder, 'whole.pth', zipOf(whole, storage))).tensors.size).toBe(2);
    for (let length = 0; length < whole.length; length++) {
      const path = put(folder, 'cut.pth', zipOf(whole.subarray(0, length), storage));
      expectFileError(() => readCheckpoint(path), path);
    }
  });

  test('when bytes change and the checksums are correct', () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
    let failures = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        const path = put(folder, 'changed.pth', zipOf(bytes, storage));
        if (failsCleanly(() => readCheckpoint(path))) failures++;
      }),
      { seed: 1, numRuns: 400 },
    );
    expect(failures).toBeGreaterThan(100);
  });

  test('when the bytes are random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void failsCleanly(() => read(bytes))),
      { seed: 2, numRuns: 1000 },
    );
  });
});
