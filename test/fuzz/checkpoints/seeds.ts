/** The files that mutations start from: those that torch wrote for the golden tests, and own ones of each format. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputFile } from '../../../src/weights/file.ts';
import { readZipDirectory, readZipEntry } from '../../../src/weights/zip.ts';
import { floats, int, makeSafetensors, pickle, tensorPickle, text } from '../../weights/build.ts';
import { type Op, splitPickle } from './pickle-ops.ts';

export type Seed =
  | { readonly kind: 'zip'; readonly name: string; readonly ops: readonly Op[]; readonly entries: readonly Entry[] }
  | {
      readonly kind: 'stream';
      readonly name: string;
      readonly pickles: readonly (readonly Op[])[];
      readonly tail: Buffer;
    }
  | { readonly kind: 'safetensors'; readonly name: string; readonly tokens: readonly string[]; readonly data: Buffer }
  | { readonly kind: 'onnx'; readonly name: string; readonly bytes: Buffer }
  | { readonly kind: 'tar'; readonly name: string; readonly entries: readonly Entry[] };

/** Name and bytes. */
export type Entry = readonly [string, Buffer];

const GOLDEN = fileURLToPath(new URL('../../golden/weights/', import.meta.url));
/** Files that no small change makes readable: a whole module, and a dtype without float32 values. */
const REFUSED: readonly string[] = ['module.pth', 'complex.pth'];
/** Pickles of torch's stream: magic number, protocol, system, the object, the keys of the storages. */
const STREAM_PICKLES = 5;

/** Reads all seeds. */
export function readSeeds(): Seed[] {
  const golden = readdirSync(GOLDEN)
    .filter((name) => name.endsWith('.pth') && !REFUSED.includes(name))
    .sort();
  return [...golden.map(readGolden), ...ownPickles(), safetensorsSeed(), tarSeed(), ...onnxSeeds()];
}

/** Networks that torch.onnx wrote. */
function onnxSeeds(): Seed[] {
  const folder = fileURLToPath(new URL('../../golden/onnx/', import.meta.url));
  const names = readdirSync(folder).filter((name) => name.endsWith('.onnx'));
  return names.sort().map((name) => ({ kind: 'onnx', name, bytes: readFileSync(join(folder, name)) }));
}

function readGolden(name: string): Seed {
  const path = join(GOLDEN, name);
  const bytes = readFileSync(path);
  if (bytes[0] !== 0x50) {
    const pickles: Op[][] = [];
    let at = 0;
    while (pickles.length < STREAM_PICKLES) {
      const { ops, end } = splitPickle(bytes, at);
      pickles.push(ops);
      at = end;
    }
    return { kind: 'stream', name, pickles, tail: bytes.subarray(at) };
  }
  return InputFile.use(path, (file) => {
    const entries = Array.from(
      readZipDirectory(file).values(),
      (entry): Entry => [entry.name, Buffer.from(readZipEntry(file, entry))],
    );
    const data = entries.find(([entry]) => entry.endsWith('data.pkl'))!;
    return { kind: 'zip', name, ops: splitPickle(data[1]).ops, entries: entries.filter((entry) => entry !== data) };
  });
}

/** Raw and averaged weights, class names, and wrappers' prefixes. */
function ownPickles(): Seed[] {
  const w = (key: string) => tensorPickle({ key, length: 4, shape: [2, 2], strides: [2, 1] });
  const dict = (...items: readonly (readonly [string, Uint8Array])[]) =>
    pickle('}(', ...items.flatMap(([key, value]) => [text(key), value]), 'u');
  const classes = pickle('](', text('ants'), text('bees'), 'e');
  const values = {
    averaged: dict(
      ['state_dict', dict(['module.a', w('0')], ['module.b', w('1')])],
      ['state_dict_ema', dict(['n_averaged', w('1')], ['module.a', w('1')])],
      ['hyper_parameters', dict(['classes', classes])],
      ['class_to_idx', dict(['ants', int(0)], ['bees', int(1)])],
      ['epoch', int(3)],
    ),
    newer: dict(['u16', tensorPickle({ key: '0', newDtype: 'uint16', length: 16, shape: [2, 4], strides: [4, 1] })]),
    lightning: dict(['state_dict', dict(['model.layer1.0.conv1.weight', w('0')], ['model._orig_mod.fc.bias', w('1')])]),
  };
  const entries: Entry[] = [
    ['archive/data/0', Buffer.from(floats(1, 2, 3, 4))],
    ['archive/data/1', Buffer.from(floats(5, 6, 7, 8))],
    ['archive/version', Buffer.from('3\n')],
  ];
  return Object.entries(values).map(([name, value]) => {
    const bytes = pickle('\x80\x02', value, '.');
    return { kind: 'zip', name, ops: splitPickle(bytes).ops, entries };
  });
}

function safetensorsSeed(): Seed {
  const sizes = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U8: 1, BOOL: 1 };
  let position = 0;
  const parts = Object.entries(sizes).map(([dtype, size], i) => {
    const begin = position;
    position += 6 * size;
    return `"module.t${i}":{"dtype":"${dtype}","shape":[2,3],"data_offsets":[${begin},${position}]}`;
  });
  const metadata = '"__metadata__":{"format":"pt","classes":"[\\"a\\",\\"b\\"]"}';
  const header = `{${[metadata, ...parts].join(',')}}`;
  const data = Buffer.from(Uint8Array.from({ length: position }, (_, i) => (i * 37) % 251));
  const bytes = makeSafetensors(header, data);
  const tokens = header.match(/"(?:[^"\\]|\\.)*"|-?\d+|./g)!;
  return { kind: 'safetensors', name: 'own.safetensors', tokens, data: bytes.subarray(8 + header.length) };
}

/** torch 0.1 wrote a tar of pickles and storages. */
function tarSeed(): Seed {
  const entries: Entry[] = [
    ['sys_info', pickle('\x80\x02}.')],
    ['pickle', pickle('\x80\x02', text('x'), '.')],
    ['tensors', Buffer.from(int(1))],
    ['storages', Buffer.from(floats(1, 2))],
  ];
  return { kind: 'tar', name: 'own.tar', entries };
}
