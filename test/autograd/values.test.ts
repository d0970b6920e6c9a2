/** Values in and out: each element type is read as itself, and other arrays are converted or refused by name. */

import { describe, expect } from 'vitest';
import { countCorrect, Tensor } from '../../src/autograd/index.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

describe('values are read by their type', () => {
  gpuTest('u32: counts and labels', async () => {
    const logits = Tensor.from(gpu, Float32Array.of(1, 0, 0, 1, 1, 0), [3, 2]);
    const labels = Tensor.from(gpu, Uint32Array.of(0, 1, 0), [3]);
    const correct = countCorrect(logits, labels);
    expect(await correct.item()).toBe(3);
    expect(await labels.data()).toEqual(Uint32Array.of(0, 1, 0));
  });

  gpuTest('u32 and i32 up to their limits', async () => {
    const u32 = Uint32Array.of(0, 2 ** 32 - 1, 0x7fc00001);
    const i32 = Int32Array.of(-(2 ** 31), -1, 2 ** 31 - 1);
    expect(await Tensor.from(gpu, u32, [3]).data()).toEqual(u32);
    const tensor = Tensor.from(gpu, i32, [3]);
    expect(tensor.dtype).toBe('i32');
    expect(await tensor.data()).toEqual(i32);
    expect(await Tensor.from(gpu, Int32Array.of(-7), []).item()).toBe(-7);
  });
});

describe('other arrays', () => {
  gpuTest('of numbers become f32, with their length as the default shape', async () => {
    const tensor = Tensor.from(gpu, [1, 2.5, -3]);
    expect([tensor.shape, tensor.dtype]).toEqual([[3], 'f32']);
    expect(await tensor.data()).toEqual(Float32Array.of(1, 2.5, -3));
  });

  gpuTest('of double precision are rounded', async () => {
    const tensor = Tensor.from(gpu, Float64Array.of(0.1, 1e300), [2]);
    expect(await tensor.data()).toEqual(Float32Array.of(0.1, Infinity));
  });

  gpuTest('of small integers take the given type', async () => {
    expect(await Tensor.from(gpu, Uint8Array.of(0, 255), [2], 'f32').data()).toEqual(Float32Array.of(0, 255));
    expect(await Tensor.from(gpu, Int8Array.of(-1, 1), [2], 'i32').data()).toEqual(Int32Array.of(-1, 1));
    expect(await Tensor.from(gpu, [3, 4], [2], 'u32').data()).toEqual(Uint32Array.of(3, 4));
  });

  gpuTest('in shared memory are copied', async () => {
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([5, 6]);
    expect(await Tensor.from(gpu, shared, [2]).data()).toEqual(Float32Array.of(5, 6));
  });

  gpuTest('follow the same rules in set()', async () => {
    const labels = Tensor.from(gpu, Uint32Array.of(1, 2), [2]);
    labels.set([7, 8]);
    expect(await labels.data()).toEqual(Uint32Array.of(7, 8));
    expect(() => labels.set(Float32Array.of(0.5, 1))).toThrow(
      'type u32 holds whole numbers from 0 to 4294967295, got 0.5 at index 0',
    );
    expect(() => labels.set([1, -1])).toThrow('got -1 at index 1');
    const values = Tensor.from(gpu, [0, 0]);
    values.set(Float64Array.of(1, 2));
    expect(await values.data()).toEqual(Float32Array.of(1, 2));
  });

  const refused: Record<string, [data: unknown, message: string]> = {
    'bytes without a type': [Uint8Array.of(1), 'a Uint8Array can mean several element types'],
    'integers of 64 bits': [
      BigInt64Array.of(1n),
      'A tensor cannot hold the values of a BigInt64Array: they have 64 bits',
    ],
    'nested arrays': [[[1], [2]], 'element 0 is of type Array. Give a Float32Array'],
    'strings in an array': [[1, '2'], 'A tensor holds numbers, but element 1 is of type string'],
    'a buffer': [new ArrayBuffer(4), 'A tensor cannot hold ArrayBuffer data'],
    'a view without elements': [new DataView(new ArrayBuffer(4)), 'A tensor cannot hold DataView data'],
    'nothing at all': [undefined, 'A tensor cannot hold undefined data'],
  };
  for (const [what, [data, message]] of Object.entries(refused)) {
    gpuTest(`are refused: ${what}`, () => {
      const before = gpu.pool.liveBytes;
      expect(() => Tensor.from(gpu, data as number[], [1])).toThrow(
        expect.objectContaining({ name: 'DTypeError', message: expect.stringContaining(message) }),
      );
      expect(gpu.pool.liveBytes).toBe(before);
    });
  }
});
