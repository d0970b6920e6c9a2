/** Checkpoints as training scripts save them, made by PyTorch here: timm, Lightning, torchvision's references, SWA. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { namedClasses, readCheckpoint } from '../../src/weights/index.ts';
import { findTorchPython, NO_TORCH } from '../support/python.ts';
import { skipUnless } from '../support/skip.ts';
import { makeFolder } from './helpers.ts';

const python = findTorchPython();
const torchTest = skipUnless(python !== undefined, NO_TORCH);
const folder = makeFolder();
const path = (name: string) => join(folder, name);

torchTest('checkpoints of training scripts are read, and what was chosen is said', () => {
  execFileSync(python!, [fileURLToPath(new URL('scripts.py', import.meta.url)), folder]);
  const read = (name: string) => {
    const checkpoint = readCheckpoint(path(name));
    const { tensors, notes } = checkpoint;
    return { names: [...tensors.keys()], notes, classes: namedClasses(checkpoint) };
  };
  const names = ['weight', 'bias'];
  const averaged = ['the average of 3 models (AveragedModel)', 'names without "module."'];
  const other = (name: string, key: string) =>
    `; the file also holds averaged weights under "${key}": choose by ${path(name)}#${key}`;

  expect(read('averaged.pth')).toEqual({ names, notes: averaged });
  expect(read('timm.pth')).toEqual({
    names,
    notes: [`taken from "state_dict"${other('timm.pth', 'state_dict_ema')}`, 'names without "module."'],
    classes: ['ants', 'bees'],
  });
  expect(read('timm.pth#state_dict_ema')).toEqual({
    names,
    notes: ['taken from "state_dict_ema", averaged weights', ...averaged],
    classes: ['ants', 'bees'],
  });
  expect(read('lightning.ckpt')).toEqual({
    names: ['model.weight', 'model.bias'],
    notes: ['taken from "state_dict"'],
    classes: ['ants', 'bees'],
  });
  expect(read('torchvision.pth')).toEqual({
    names,
    notes: [`taken from "model"${other('torchvision.pth', 'model_ema')}`],
  });
  const { tensors } = readCheckpoint(path('bits.pth'));
  expect(tensors.get('half')).toMatchObject({ dtype: 'F16', shape: [1, 2] });
  expect([...tensors.get('nan')!.bytes!]).toEqual([0x34, 0x12, 0xa0, 0x7f]);
});
