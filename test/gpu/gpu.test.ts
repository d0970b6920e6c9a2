/** The runtime on a device: caches, submissions, reading back, profiling, and errors. */

import { describe, expect } from 'vitest';
import {
  add,
  backward,
  batchNorm2d,
  crossEntropy,
  flatten,
  globalAvgPool2d,
  keep,
  linear,
  maxPool2d,
  relu,
  scope,
  Tensor,
} from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { DeviceLostError, GpuError } from '../../src/gpu/errors.ts';
import { BufferUsage } from '../../src/gpu/flags.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { sgdStep } from '../../src/kernels/optim/sgd.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

const values = (shape: number[], on: Gpu = gpu) => {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Tensor.from(
    on,
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 7)),
    shape,
  );
};

/** A small net and its training step: batch norm, relu, a residual sum, pooling, linear, loss, optimizer. */
function trainer() {
  const weights = { scale: values([3]), shift: values([3]), weight: values([4, 3]), bias: values([4]) };
  for (const tensor of Object.values(weights)) tensor.requiresGrad = true;
  const [mean, variance] = [values([3]), Tensor.from(gpu, Float32Array.of(1, 1, 1), [3])];
  const labels = Tensor.from(gpu, Uint32Array.of(0, 3), [2]);
  const images = values([2, 3, 9, 7]);
  const momentum = Object.values(weights).map((tensor) => keep(Tensor.zeros(gpu, tensor.shape)));
  let first = true;
  return () => {
    const loss = scope(() => {
      let h = relu(batchNorm2d(images, weights.scale, weights.shift, mean, variance, { training: true }));
      h = maxPool2d(add(h, images), { kernelSize: 3, stride: 2, padding: 1 });
      const logits = linear(flatten(globalAvgPool2d(h)), weights.weight, weights.bias);
      return crossEntropy(logits, labels);
    });
    backward(loss);
    Object.values(weights).forEach((tensor, i) => {
      const options = { lr: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false, first };
      sgdStep(gpu, tensor.size, options, tensor.buffer, tensor.grad!.buffer, momentum[i]!.buffer);
      tensor.zeroGrad();
    });
    first = false;
    const result = loss.readback();
    loss.dispose();
    return result.get();
  };
}

describe('a training step', () => {
  gpuTest('finds every pipeline, bind group and buffer in a cache when it is repeated', async () => {
    const step = trainer();
    const losses = [];
    const seen = [];
    for (let i = 0; i < 4; i++) {
      losses.push(new Float32Array(await step())[0]!);
      const { pipelines, bindGroups } = gpu.stats;
      seen.push({
        pipelines,
        bindGroups,
        allocated: gpu.pool.allocatedBytes,
        live: gpu.pool.liveBytes,
      });
    }
    // The second step runs the optimizer's kernel for later steps; after that nothing is new.
    expect(seen[2]).toEqual(seen[1]);
    expect(seen[3]).toEqual(seen[1]);
    expect(losses[3]).toBeLessThan(losses[0]!);
  });

  gpuTest('takes one submission', async () => {
    const step = trainer();
    await step();
    const { submits, dispatches } = gpu.stats;
    await step();
    expect(gpu.stats.dispatches - dispatches).toBeGreaterThan(15);
    expect(gpu.stats.submits - submits).toBe(1);
  });
});

describe('reading back', () => {
  gpuTest('gives the values at the time of the request', async () => {
    const tensor = values([5]);
    const before = tensor.readback();
    tensor.set(new Float32Array(5).fill(9));
    expect([...new Float32Array(await before.get())]).toEqual([...Float32Array.from([0, 7, 14, 21, 28], Math.sin)]);
    expect([...(await tensor.data())]).toEqual([9, 9, 9, 9, 9]);
  });

  gpuTest('keeps several readbacks apart', async () => {
    const tensors = Array.from({ length: 4 }, (_, i) => Tensor.from(gpu, Float32Array.of(i), [1]));
    const pending = tensors.map((tensor) => tensor.readback());
    const results = await Promise.all(pending.map(async (one) => new Float32Array(await one.get())[0]));
    expect(results).toEqual([0, 1, 2, 3]);
  });
});

describe('profiling', () => {
  gpuTest('times each kernel by name, in order', async () => {
    const x = values([1000]);
    try {
      gpu.startProfiling();
    } catch (error) {
      // An adapter without timestamps says so.
      expect(error).toBeInstanceOf(GpuError);
      expect(gpu.device.features.has('timestamp-query')).toBe(false);
      return;
    }
    add(relu(x), x);
    const timings = await gpu.takeTimings();
    expect(timings.map(({ kernel }) => kernel)).toEqual(['relu', 'add']);
    for (const { ms } of timings) {
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThan(10_000);
    }
    expect(await gpu.takeTimings()).toEqual([]);
    gpu.stopProfiling();
    relu(x);
    expect(await gpu.takeTimings()).toEqual([]);
  });
});

describe('errors', () => {
  gpuTest('a lost device throws a DeviceLostError, at the next call and in a pending read', async () => {
    const own = await openGpu();
    const x = values([4], own);
    const waiting = relu(x).readback();
    own.device.destroy();
    await own.device.lost;
    await expect(waiting.get()).rejects.toThrow(DeviceLostError);
    expect(() => relu(x)).toThrow(DeviceLostError);
    expect(() => relu(x)).toThrow(/The GPU device was lost \(destroyed\).*start the run again/);
    await expect(x.data()).rejects.toThrow(DeviceLostError);
    own.close();
  });

  gpuTest('every call after an uncaptured validation error throws a GpuError with Dawn’s message', async () => {
    const own = await openGpu();
    const x = values([4], own);
    await x.data();
    own.device.createBuffer({ size: 16, usage: BufferUsage.MAP_READ | BufferUsage.STORAGE });
    const failing = async () => {
      // The error arrives while the program waits for the device.
      for (let i = 0; i < 50; i++) await x.data();
    };
    await expect(failing()).rejects.toThrow(GpuError);
    expect(() => relu(x)).toThrow(/WebGPU error: .*usage/is);
    own.close();
  });

  gpuTest('an error stays the reported cause when the device is lost after it', async () => {
    const own = await openGpu();
    const x = values([4], own);
    await x.data();
    own.device.createBuffer({ size: 16, usage: BufferUsage.MAP_READ | BufferUsage.STORAGE });
    const failing = async () => {
      for (let i = 0; i < 50; i++) await x.data();
    };
    await expect(failing()).rejects.toThrow(/WebGPU error: .*usage/is);
    own.device.destroy();
    await own.device.lost;
    expect(() => relu(x)).toThrow(/WebGPU error: .*usage/is);
    await expect(x.data()).rejects.toThrow(/WebGPU error: .*usage/is);
    own.close();
  });

  gpuTest('a closed device throws an error that says so', async () => {
    const own = await openGpu();
    const x = values([4], own);
    own.close();
    own.close();
    expect(() => relu(x)).toThrow('This device was closed');
  });
});
