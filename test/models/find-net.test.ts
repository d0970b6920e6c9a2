/** The network's entries in a checkpoint of any script: one prefix before its names, and what lies beside it. */

import { expect, test } from 'vitest';
import { commonPrefix, findNet } from '../../src/models/find-net.ts';
import { startFrom } from '../../src/models/start.ts';
import type { Checkpoint, TensorData } from '../../src/weights/index.ts';

const MARK = 'layer1.0.conv1.weight';

function checkpoint(...names: string[]): Checkpoint {
  const one: TensorData = { shape: [1], data: Float32Array.of(1) };
  return { tensors: new Map(names.map((name) => [name, one])), metadata: {} };
}

test.each<[string, string[], string[], string[]]>([
  ['no prefix', [MARK, 'fc.bias'], [MARK, 'fc.bias'], []],
  ['no network', ['a', 'b'], ['a', 'b'], []],
  ['Lightning', [`model.${MARK}`, 'model.fc.bias'], [MARK, 'fc.bias'], ['names without "model."']],
  [
    'a backbone and a loss',
    [`backbone.${MARK}`, 'loss.weight'],
    [MARK],
    ['names without "backbone."', '1 other entry left out (loss.weight)'],
  ],
  [
    'raw and averaged networks',
    [`ema_model.${MARK}`, `model.${MARK}`],
    [MARK],
    [
      'names without "model."',
      'the file also holds averaged weights under "ema_model.": choose by a.pth#ema_model',
      `1 other entry left out (ema_model.${MARK})`,
    ],
  ],
  [
    'a network with its average inside',
    [MARK, `ema.${MARK}`],
    [MARK],
    ['the file also holds averaged weights under "ema.": choose by a.pth#ema', `1 other entry left out (ema.${MARK})`],
  ],
])('%s', (_, stored, names, notes) => {
  const found = findNet('a.pth', checkpoint(...stored));
  expect([...found.tensors.keys()]).toEqual(names);
  expect(found.notes ?? []).toEqual(notes);
});

test('two networks that nothing tells apart are refused with a hint', () => {
  expect(() => findNet('a.pth', checkpoint(`student.${MARK}`, `teacher.${MARK}`))).toThrow(
    /holds 2 networks, whose names begin with "student\.", "teacher\.".*name one: a\.pth#student/,
  );
});

test('thousands of networks cost nothing', () => {
  const many = Array.from({ length: 20_000 }, (_, i) => `ema${i}.ema.${MARK}`);
  expect(() => findNet('a.pth', checkpoint(`model.${MARK}`, ...many))).toThrow(/holds 20001 networks, .*19,996 more/);
});

test('the common prefix is only one before all names', () => {
  expect(commonPrefix(checkpoint(`model.${MARK}`, 'model.x'))).toBe('model.');
  expect(commonPrefix(checkpoint(`model.${MARK}`, 'x'))).toBe('');
  expect(commonPrefix(checkpoint('model.a'))).toBe('');
});

test('the start of a run says what was chosen', () => {
  const names = [1, 2, 3, 4].flatMap((layer) => [0, 1].map((block) => `layer${layer}.${block}.conv1.weight`));
  const stored = checkpoint(...names.map((name) => `model.${name}`));
  const start = startFrom('a.pth', { ...stored, notes: ['taken from "state_dict"'] }, ['a', 'b']);
  expect(start.description).toBe(
    'a.pth (resnet18), without its last layer: the file has none. A new one is drawn. Read: taken from "state_dict"; ' +
      'names without "model.".',
  );
  expect([...start.checkpoint!.tensors.keys()]).toEqual(names);
});
