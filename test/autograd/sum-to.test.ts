/** sumTo over every pattern of broadcast dimensions, on both kinds of adapters. */
import { describe, expect } from 'vitest';
import { sizeOf, Tensor } from '../../src/autograd/index.ts';
import { sumTo } from '../../src/autograd/sum-to.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { broadcastStrides } from '../../src/kernels/strides.ts';
import { openAs, withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

/** Whole numbers, whose sums are exact in any order. */
const value = (i: number) => ((i * 37) % 23) - 11;

function expected(shape: readonly number[], to: readonly number[]): Float32Array {
  const sums = new Float32Array(sizeOf(to));
  const strides = broadcastStrides(to, shape);
  for (let i = 0; i < sizeOf(shape); i++) {
    let [rest, place] = [i, 0];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    sums[place]! += value(i);
  }
  return sums;
}

async function check(device: Gpu, shape: readonly number[], to: readonly number[]): Promise<void> {
  const before = device.pool.liveBytes;
  const gradient = Tensor.from(
    device,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => value(i)),
    shape,
  );
  const sum = sumTo(gradient, to);
  expect(sum.shape, `[${shape}] to [${to}]`).toEqual(to);
  expect(await sum.data(), `[${shape}] to [${to}]`).toEqual(expected(shape, to));
  gradient.dispose();
  sum.dispose();
  expect(device.pool.liveBytes).toBe(before);
}

describe.each(['cpu', 'gpu'] as const)('sumTo on a %s', (kind) => {
  gpuTest('over every set of dimensions of [3, 2, 5, 4], kept or left out', async () => {
    const device = await openAs({ kind });
    const shape = [3, 2, 5, 4];
    for (let set = 1; set < 16; set++) {
      const to = shape.map((extent, dim) => ((set >> dim) & 1 ? 1 : extent));
      await check(device, shape, to);
      const leading = to.findIndex((extent) => extent !== 1);
      if (leading !== 0) await check(device, shape, leading < 0 ? [] : to.slice(leading));
    }
  });

  gpuTest('of rows, columns and planes, short and long', async () => {
    const device = await openAs({ kind });
    for (const [shape, to] of [
      [[70_001], []],
      [[300_000], [1]],
      [
        [2, 70_000],
        [2, 1],
      ],
      [[70_000, 2], [2]],
      [[9_001, 12], [12]],
      [
        [5_000, 3],
        [5_000, 1],
      ],
      [
        [5, 2_000, 3],
        [5, 1, 3],
      ],
      [
        [1_000, 40],
        [1_000, 1],
      ],
      [
        [7, 33, 6, 5],
        [33, 1, 1],
      ],
      [[1, 1, 1], []],
      [
        [4, 1, 3],
        [1, 3],
      ],
    ] as const) {
      await check(device, shape, to);
    }
  });
});

gpuTest('without values the sum is 0, or empty', async () => {
  await check(gpu, [0, 3], [3]);
  await check(gpu, [2, 0], [1]);
  await check(gpu, [2, 0], [1, 0]);
});

gpuTest('of equal shapes it is the gradient itself', () => {
  const gradient = Tensor.zeros(gpu, [2, 3]);
  expect(sumTo(gradient, [2, 3])).toBe(gradient);
});
