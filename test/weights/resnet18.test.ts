/** Reads a real ResNet-18 checkpoint. Its 45 MB are too large to keep here: DAWNGRAD_WEIGHTS names the file. */

import { existsSync } from 'node:fs';
import { expect } from 'vitest';
import { readCheckpoint } from '../../src/weights/index.ts';
import { skipUnless } from '../support/skip.ts';

const path = process.env.DAWNGRAD_WEIGHTS ?? '';
const weightsTest = skipUnless(
  existsSync(path),
  path === '' ? 'DAWNGRAD_WEIGHTS names no ResNet-18 .pth of torchvision' : `${path} (DAWNGRAD_WEIGHTS) does not exist`,
);

weightsTest('reads torchvision’s ResNet-18', () => {
  const { tensors } = readCheckpoint(path);
  expect(tensors.size).toBe(102);
  expect(new Set([...tensors.values()].map((tensor) => tensor.dtype))).toEqual(new Set(['F32']));
  expect(tensors.get('conv1.weight')?.shape).toEqual([64, 3, 7, 7]);
  expect(tensors.get('layer4.0.downsample.0.weight')?.shape).toEqual([512, 256, 1, 1]);
  expect(tensors.get('layer1.1.bn2.running_var')?.shape).toEqual([64]);
  expect(tensors.get('fc.weight')?.shape).toEqual([1000, 512]);
  expect(tensors.get('fc.bias')?.shape).toEqual([1000]);
  const parameters = [...tensors].filter(([name]) => !name.includes('.running_'));
  expect(parameters.reduce((sum, [, tensor]) => sum + tensor.data.length, 0)).toBe(11_689_512);
  for (const [name, { data }] of tensors) expect(data.every(Number.isFinite), name).toBe(true);
});
