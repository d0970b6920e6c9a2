/** Files that PyTorch wrote (make-golden.py) give the same bits here as in PyTorch. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCheckpoint, type TensorData } from '../../src/weights/index.ts';
import { expectFileError, GOLDEN, golden } from './helpers.ts';

interface Expected {
  readonly tensors: Record<string, { dtype: string; shape: number[]; float32: string }>;
  readonly metadata: Record<string, string>;
}

const expected = JSON.parse(golden('expected.json').toString()) as Record<string, Expected>;

/** Makes all NaNs equal: IEEE 754 does not say which of their bits a conversion sets. */
function bits(data: Float32Array): string {
  const canonical = Float32Array.from(data, (value) => (Number.isNaN(value) ? NaN : value));
  return Buffer.from(canonical.buffer).toString('hex');
}

function decode(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}

describe.each(Object.entries(expected))('%s', (name, { tensors, metadata }) => {
  const checkpoint = readCheckpoint(join(GOLDEN, name));

  test('has the names and metadata', () => {
    expect([...checkpoint.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
    expect(checkpoint.metadata).toEqual(metadata);
  });

  test.each(Object.entries(tensors))('%s', (key, { dtype, shape, float32 }) => {
    const tensor = checkpoint.tensors.get(key) as TensorData;
    expect(tensor.shape).toEqual(shape);
    expect(tensor.dtype).toBe(dtype);
    expect(bits(tensor.data)).toBe(bits(decode(float32)));
  });
});

test('tensors keep the order of the file', () => {
  const names = [...readCheckpoint(join(GOLDEN, 'plain.pth')).tensors.keys()];
  expect(names.slice(0, 3)).toEqual(['0.weight', '1.weight', '1.bias']);
});

test('tensors of one storage share memory, and dense tensors are not copied', () => {
  const { tensors } = readCheckpoint(join(GOLDEN, 'views.pth'));
  expect(tensors.get('tied')?.data.buffer).toBe(tensors.get('base')?.data.buffer);
  expect(tensors.get('rows')?.data.buffer).toBe(tensors.get('base')?.data.buffer);
});

test.each([
  ['module.pth', /"torch\.nn\.modules\.linear\.Linear".*refused.*model\.state_dict\(\)/],
  ['complex.pth', /"torch\.ComplexFloatStorage"/],
  ['bare.pth', /expected a dict of tensors, found a tensor; save the state dict/],
])('%s is refused', (name, found) => {
  const path = join(GOLDEN, name);
  expectFileError(() => readCheckpoint(path), path, found);
});
