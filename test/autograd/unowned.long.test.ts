/**
 * Tensors that are never disposed: they are freed when JavaScript collects them, and reported if the program holds
 * them.
 */

import { describe, expect, vi } from 'vitest';
import { backward, crossEntropy, graphSize, keep, linear, Tensor } from '../../src/autograd/index.ts';
import { unownedTensors } from '../../src/autograd/unowned.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { SGD } from '../../src/optim/sgd.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest } = await withGpu();

/** Makes a step of a small net that uses no scope and leaves its logits and its loss undisposed. */
function trainer(gpu: Gpu) {
  const weight = keep(Tensor.from(gpu, new Float32Array(6).fill(0.1), [2, 3]));
  weight.requiresGrad = true;
  const x = keep(Tensor.from(gpu, Float32Array.of(1, 2, 3), [1, 3]));
  const labels = keep(Tensor.from(gpu, Uint32Array.of(1), [1]));
  const optimizer = new SGD([weight], { lr: 0.01 });
  return () => {
    const loss = crossEntropy(linear(x, weight), labels);
    backward(loss);
    optimizer.step();
    optimizer.zeroGrad();
    return loss;
  };
}

const captured = () => vi.spyOn(console, 'warn').mockImplementation(() => {});

describe('a loop that forgets to dispose', () => {
  gpuTest('needs no more memory over time if it keeps nothing', async () => {
    const warned = captured();
    const gpu = await openGpu();
    const step = trainer(gpu);
    const seen = [];
    for (let i = 0; i < 3000; i++) {
      const loss = await step().item();
      expect(loss).toBeGreaterThan(0);
      if (i % 100 === 99) seen.push({ live: gpu.pool.liveBytes, unowned: unownedTensors(gpu), graph: graphSize(gpu) });
    }
    // A step makes two tensors, and several hundred wait for a collection.
    expect(Math.max(...seen.map(({ unowned }) => unowned))).toBeLessThan(1536);
    const late = seen.slice(-10).map(({ live }) => live);
    expect(Math.min(...late)).toBeLessThan(1536 * 32);
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
    gpu.close();
  });

  gpuTest(
    'and keeps every loss gets a warning that names the op within 2,000 steps, then a typed error, and can go on',
    async () => {
      const warned = captured();
      const gpu = await openGpu();
      const logits = keep(Tensor.from(gpu, Float32Array.of(1, 2), [1, 2]));
      const labels = keep(Tensor.from(gpu, Uint32Array.of(1), [1]));
      const step = () => crossEntropy(logits, labels);
      const losses: Tensor[] = [];
      let toldAt = 0;
      const loop = async () => {
        for (let i = 0; i < 20_000; i++) {
          losses.push(step());
          if (!toldAt && warned.mock.calls.length > 0) toldAt = i;
          if (i % 100 === 0) await losses.at(-1)!.item();
        }
      };
      await expect(loop()).rejects.toThrow(
        expect.objectContaining({ name: 'TensorLeakError', message: expect.stringContaining('of crossEntropy') }),
      );
      expect(toldAt).toBeGreaterThan(500);
      expect(toldAt).toBeLessThan(2000);
      expect(warned.mock.calls).toHaveLength(1);
      expect(warned.mock.calls[0]![0]).toMatch(
        /^dawngrad: 1536 tensors are alive outside any scope: 1\d+ of crossEntropy/,
      );
      for (const loss of losses.splice(0)) loss.dispose();
      expect(await step().item()).toBeGreaterThan(0);
      warned.mockRestore();
      gpu.close();
    },
    120_000,
  );
});

gpuTest('kept tensors do not count as forgotten', async () => {
  const gpu = await openGpu();
  for (let i = 0; i < 2000; i++) keep(Tensor.zeros(gpu, [1]));
  expect(unownedTensors(gpu)).toBe(0);
  gpu.close();
});
