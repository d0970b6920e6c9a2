/** Which of several state dicts is taken, prefixes before names, and class names beside the tensors. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { namedClasses, parseSource, readCheckpoint, writeSafetensors } from '../../src/weights/index.ts';
import { expectFileError, floats, int, makeFolder, pickle, put, tensorPickle, text, zipOf } from './helpers.ts';

const folder = makeFolder();
type Part = string | Uint8Array;

/** Tensor of one value, the number of its storage. */
const w = (key = '0') => tensorPickle({ key, length: 1, shape: [1], strides: [1] });
const dict = (...items: readonly (readonly [string, Part])[]) =>
  pickle('}(', ...items.flatMap(([key, value]) => [text(key), value]), 'u');
const list = (...names: readonly string[]) => pickle('](', ...names.map(text), 'e');

function save(name: string, value: Part): string {
  const storages = { '0': floats(0), '1': floats(1), '2': floats(2) };
  return put(folder, `${name}.pth`, zipOf(pickle('\x80\x02', value, '.'), storages));
}

/** The names in a checkpoint with the first value of each. */
function valuesOf(source: string): Record<string, number | undefined> {
  return Object.fromEntries(Array.from(readCheckpoint(source).tensors, ([name, { data }]) => [name, data[0]]));
}

const optimizer = dict(['state', pickle('}', int(0), dict(['momentum_buffer', w('2')]), 's')]);

describe('of raw and averaged weights', () => {
  test.each([
    ['state_dict', 'state_dict_ema'],
    ['model', 'model_ema'],
    ['state_dict', 'ema'],
    ['model_state_dict', 'ema_state_dict'],
    ['net', 'swa_model'],
  ])('%s is taken, and %s is told and can be chosen', (raw, averaged) => {
    const path = save(
      `${raw}-${averaged}`,
      dict([averaged, dict(['a', w('1')])], [raw, dict(['a', w('0')])], ['optimizer', optimizer]),
    );
    expect(valuesOf(path)).toEqual({ a: 0 });
    expect(readCheckpoint(path).notes).toEqual([
      `taken from "${raw}"; the file also holds averaged weights under "${averaged}": choose by ${path}#${averaged}`,
    ]);
    expect(valuesOf(`${path}#${averaged}`)).toEqual({ a: 1 });
    expect(readCheckpoint(`${path}#${averaged}`).notes).toEqual([`taken from "${averaged}", averaged weights`]);
  });

  test('the only ones are taken, whatever they are called', () => {
    const only = save('only', dict(['ema', dict(['a', w('1')])], ['optimizer', optimizer]));
    expect(valuesOf(only)).toEqual({ a: 1 });
    expect(readCheckpoint(only).notes).toEqual(['taken from "ema", averaged weights']);
    expect(valuesOf(save('net', dict(['my_net', dict(['a', w('1')])])))).toEqual({ a: 1 });
  });

  test('settings, optimizers and callbacks are none of them', () => {
    const other = dict(['weights', w('2')]);
    const others = ['hyper_parameters', 'optimizer', 'ema_optimizer', 'lr_scheduler', 'callbacks', 'scaler'];
    const path = save(
      'others',
      dict(['optimized_model', dict(['a', w('1')])], ...others.map((key) => [key, other] as const)),
    );
    expect(valuesOf(path)).toEqual({ a: 1 });
    expect(readCheckpoint(path).notes).toEqual(['taken from "optimized_model"']);
  });

  test('several that nothing tells apart are refused with a hint', () => {
    const path = save('gan', dict(['generator', dict(['a', w('0')])], ['critic', dict(['a', w('1')])]));
    expectFileError(
      () => readCheckpoint(path),
      path,
      /several state dicts \("generator", "critic"\).*name one: .*gan\.pth#generator$/,
    );
    expect(valuesOf(`${path}#critic`)).toEqual({ a: 1 });
  });

  test('a choice that is not there is an error that says what is', () => {
    const path = save('choice', dict(['state_dict', dict(['model.a', w()])]));
    expectFileError(() => readCheckpoint(`${path}#ema`), path, /no state dict "ema".*names begin with "model"/);
  });

  test('a dict in a dict is chosen by both keys or the last', () => {
    const inner = dict(['raw', dict(['a', w('0')])], ['ema', dict(['a', w('1')])]);
    const path = save('nested', dict(['nets', inner]));
    expect(valuesOf(path)).toEqual({ a: 0 });
    expect(valuesOf(`${path}#nets.ema`)).toEqual({ a: 1 });
    expect(valuesOf(`${path}#ema`)).toEqual({ a: 1 });
  });

  test('a choice also names the beginning of names, in both formats', () => {
    const path = save('parts', dict(['student.a', w('0')], ['teacher.a', w('1')]));
    expect(valuesOf(`${path}#teacher`)).toEqual({ a: 1 });
    const other = join(folder, 'parts.safetensors');
    writeSafetensors(other, readCheckpoint(path));
    expect(valuesOf(`${other}#teacher`)).toEqual({ a: 1 });
    expect(readCheckpoint(`${other}#teacher`).notes).toEqual(['only the names below "teacher."']);
  });
});

test('a # in a file name is part of it if there is such a file', () => {
  const path = join(folder, 'a#b.pth');
  expect(parseSource(path)).toEqual({ path: join(folder, 'a'), choice: 'b.pth' });
  writeFileSync(path, '');
  expect(parseSource(path)).toEqual({ path, choice: undefined });
  expect(parseSource(`${path}#ema`)).toEqual({ path, choice: 'ema' });
  expect(parseSource('#x')).toEqual({ path: '#x', choice: undefined });
});

describe('prefixes of wrappers, in .pth and safetensors alike', () => {
  test.each<[string, string[], string[], string[]]>([
    ['module.', ['module.a', 'module.b'], ['a', 'b'], ['names without "module."']],
    ['compiled and parallel', ['_orig_mod.module.a'], ['a'], ['names without "_orig_mod.module."']],
    ['an inner _orig_mod.', ['b._orig_mod.a', 'b.c'], ['b.a', 'b.c'], ['names without an inner "_orig_mod."']],
    ['one that would make two names equal', ['b._orig_mod.a', 'b.a'], ['b._orig_mod.a', 'b.a'], []],
    [
      'AveragedModel',
      ['n_averaged', 'module.a'],
      ['a'],
      ['the average of 0 models (AveragedModel)', 'names without "module."'],
    ],
    ['one of only some names', ['module.a', 'b'], ['module.a', 'b'], []],
    ['one that is no wrapper', ['backbone.a'], ['backbone.a'], []],
  ])('%s', (name, stored, names, notes) => {
    const path = save(`prefix ${name}`, dict(...stored.map((one) => [one, w()] as const)));
    const read = readCheckpoint(path);
    expect([...read.tensors.keys()]).toEqual(names);
    expect(read.notes ?? []).toEqual(notes);
    const other = join(folder, `prefix ${name}.safetensors`);
    writeSafetensors(other, {
      tensors: new Map(stored.map((one) => [one, read.tensors.values().next().value!])),
      metadata: {},
    });
    const again = readCheckpoint(other);
    expect([...again.tensors.keys()].sort()).toEqual([...names].sort());
    expect(again.notes ?? []).toEqual(notes);
  });

  test('the count of an AveragedModel becomes metadata', () => {
    const path = save('count', dict(['n_averaged', w('2')], ['module.a', w('1')]));
    expect(readCheckpoint(path).metadata).toEqual({ n_averaged: '2' });
  });
});

describe('class names', () => {
  const tensors = ['a', w()] as const;
  const indices = dict(['bees', int(1)], ['ants', int(0)]);
  test.each<[string, Part, string[] | undefined]>([
    ['classes beside the tensors', dict(tensors, ['classes', list('ants', 'bees')]), ['ants', 'bees']],
    ['a tuple', dict(tensors, ['classes', pickle(text('ants'), text('bees'), '\x86')]), ['ants', 'bees']],
    ['class_to_idx', dict(tensors, ['class_to_idx', indices]), ['ants', 'bees']],
    ['classes beside the state dict', dict(['state_dict', dict(tensors)], ['classes', list('x', 'y')]), ['x', 'y']],
    [
      'hyper-parameters of Lightning',
      dict(['state_dict', dict(tensors)], ['hyper_parameters', dict(['class_to_idx', indices])]),
      ['ants', 'bees'],
    ],
    ['numbers', dict(tensors, ['classes', pickle('](', int(1), 'e')]), undefined],
    ['an empty list', dict(tensors, ['classes', ']']), undefined],
    ['numbers that leave a gap', dict(tensors, ['class_to_idx', dict(['a', int(0)], ['b', int(2)])]), undefined],
    ['a number twice', dict(tensors, ['class_to_idx', dict(['a', int(0)], ['b', int(0)])]), undefined],
    ['a negative number', dict(tensors, ['class_to_idx', dict(['a', int(-1)], ['b', int(0)])]), undefined],
    [
      'one long name a thousand times',
      dict(tensors, ['classes', pickle(`](X\0\0\x01\0${'x'.repeat(65536)}q\0${'h\0'.repeat(1000)}e`)]),
      undefined,
    ],
  ])('%s', (name, value, names) => {
    const checkpoint = readCheckpoint(save(`classes ${name}`, value));
    expect([...checkpoint.tensors.keys()]).toEqual(['a']);
    expect(namedClasses(checkpoint)).toEqual(names);
  });

  test('in the metadata of safetensors', () => {
    const named = (metadata: Record<string, string>) => namedClasses({ tensors: new Map(), metadata });
    expect(named({ classes: '["b","a"]' })).toEqual(['b', 'a']);
    expect(named({ class_to_idx: '{"b":1,"a":0}' })).toEqual(['a', 'b']);
    expect(named({ classes: '3', class_to_idx: '[]' })).toBeUndefined();
    expect(named({ classes: `["${'x'.repeat(2 ** 20)}"]` })).toBeUndefined();
  });
});
