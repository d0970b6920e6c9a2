/** The cache of packed weights: they are packed once, again when they change, and freed with the weights. */

import { describe, expect } from 'vitest';
import { backward, conv2d, noGrad, Tensor } from '../../../../src/autograd/index.ts';
import { SGD } from '../../../../src/optim/sgd.ts';
import { findDifference } from '../../../support/compare.ts';
import { withGpu } from '../../../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({}, { kind: 'cpu' });

const filled = (value: number, ...shape: number[]) =>
  Tensor.from(gpu, new Float32Array(shape.reduce((a, b) => a * b)).fill(value), shape);

/** Counts the dispatches of `run`. */
function dispatchesOf(run: () => unknown): number {
  const before = gpu.stats.dispatches;
  run();
  return gpu.stats.dispatches - before;
}

const OPTIONS = { stride: [2, 2] } as const;

describe('packed weights', () => {
  gpuTest('are kept between forward passes, and packed again after set()', async () => {
    const [input, weight] = [filled(1, 2, 3, 4, 4), filled(0.5, 5, 3, 1, 1)];
    const forward = () => noGrad(() => conv2d(input, weight, undefined, OPTIONS));
    expect(dispatchesOf(forward)).toBe(2);
    expect(dispatchesOf(forward)).toBe(1);
    weight.set(new Float32Array(15).fill(2));
    expect(dispatchesOf(forward)).toBe(2);
    expect((await forward().data()).every((value) => value === 6)).toBe(true);
  });

  gpuTest('would show in the output if they were out of date', async () => {
    const [input, weight] = [filled(1, 1, 3, 2, 2), filled(0.5, 5, 3, 1, 1)];
    const forward = () => noGrad(() => conv2d(input, weight));
    const wanted = new Float32Array(20).fill(6);
    forward();
    // A write that bypasses `Gpu`, which would raise the version.
    gpu.flush();
    gpu.device.queue.writeBuffer(weight.buffer.buffer, 0, new Float32Array(15).fill(2));
    expect(findDifference(await forward().data(), wanted, { atol: 0, rtol: 0 })).toMatch('expected 6');
    weight.storage.markChanged();
    expect(findDifference(await forward().data(), wanted, { atol: 0, rtol: 0 })).toBeUndefined();
  });

  gpuTest('are packed again after an optimizer step, once for forward and once for all phases', async () => {
    const [input, weight] = [filled(1, 2, 3, 4, 4), filled(0.5, 5, 3, 1, 1)];
    input.requiresGrad = weight.requiresGrad = true;
    const optimizer = new SGD([weight], { lr: 0.25 });
    const step = () => {
      const output = conv2d(input, weight, undefined, OPTIONS);
      backward(output, filled(1, ...output.shape));
    };
    // Forward, four phases, and the weight gradient.
    const [kernels, packings] = [1 + 4 + 1, 1 + 1];
    expect(dispatchesOf(step)).toBe(kernels + packings);
    input.zeroGrad();
    weight.zeroGrad();
    expect(dispatchesOf(step)).toBe(kernels);
    optimizer.step();
    optimizer.zeroGrad();
    input.zeroGrad();
    expect(dispatchesOf(step)).toBe(kernels + packings);
    // In each channel 8 outputs read inputs of 1, so the weights are 0.5 − 0.25 · 8.
    const grad = await input.grad!.data();
    expect(new Set(grad)).toEqual(new Set([0, 5 * -1.5]));
  });

  gpuTest('are shared by views of the same memory', () => {
    const [input, weight] = [filled(1, 1, 3, 2, 2), filled(0.5, 5, 3, 1, 1)];
    const view = weight.detach();
    noGrad(() => conv2d(input, weight));
    expect(dispatchesOf(() => noGrad(() => conv2d(input, view)))).toBe(1);
  });

  gpuTest('are freed with the weights', () => {
    const input = filled(1, 1, 3, 2, 2);
    const before = gpu.pool.liveBytes;
    const weight = filled(0.5, 5, 3, 1, 1);
    const bare = gpu.pool.liveBytes;
    noGrad(() => conv2d(input, weight)).dispose();
    // Three channels for a tile of 8, and 32 values that a load may read beyond the end.
    expect(gpu.pool.liveBytes - bare).toBe((3 * 8 + 32) * 4);
    weight.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });
});
