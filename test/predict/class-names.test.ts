/** The sources of class names. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { classNamesOf } from '../../src/predict/class-names.ts';
import { IMAGENET_CLASSES } from '../../src/predict/index.ts';
import { findTorchPython } from '../support/python.ts';
import { skipUnless } from '../support/skip.ts';

const of = (outputs: number, classes?: string) =>
  classNamesOf({ tensors: new Map(), metadata: classes === undefined ? {} : { classes } }, outputs);

test('the names in a checkpoint come first', () => {
  expect(of(2, '["ants","bees"]')).toEqual({ names: ['ants', 'bees'], source: 'checkpoint' });
  const own = Array.from({ length: 1000 }, (_, i) => `own ${i}`);
  expect(of(1000, JSON.stringify(own))).toEqual({ names: own, source: 'checkpoint' });
});

test('1000 classes without names get ImageNet’s names', () => {
  expect(of(1000)).toEqual({ names: IMAGENET_CLASSES, source: 'imagenet' });
  expect(of(1000, 'not JSON')).toEqual({ names: IMAGENET_CLASSES, source: 'imagenet' });
});

test('otherwise classes are numbered, also if the count of names is wrong', () => {
  const numbered = { names: ['class 0', 'class 1', 'class 2'], source: 'numbers' };
  expect(of(3)).toEqual(numbered);
  expect(of(3, '["ants","bees"]')).toEqual(numbered);
  expect(of(3, '{"0":"ants"}')).toEqual(numbered);
  expect(of(1000, '["ants","bees"]')).toMatchObject({ source: 'numbers' });
});

test('ImageNet’s list is complete', () => {
  expect(IMAGENET_CLASSES).toHaveLength(1000);
  expect(new Set(IMAGENET_CLASSES).size).toBe(1000);
  expect([0, 310, 999].map((index) => IMAGENET_CLASSES[index])).toEqual(['tench', 'ant', 'toilet tissue']);
  expect(IMAGENET_CLASSES.filter((name) => name !== name.trim() || name === '')).toEqual([]);
});

const torchvision = torchvisionNames();
skipUnless(torchvision, 'no Python with torchvision 0.13 or later')(
  'ImageNet’s names equal torchvision’s, in the same order',
  () => {
    expect(IMAGENET_CLASSES).toEqual(torchvision);
  },
);

function torchvisionNames(): string[] | undefined {
  const python = findTorchPython();
  if (!python) return undefined;
  const script = 'import json; from torchvision.models._meta import _IMAGENET_CATEGORIES as c; print(json.dumps(c))';
  try {
    return JSON.parse(execFileSync(python, ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}
