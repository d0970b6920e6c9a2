/** A user's kernels on the engine's tensors: the engine notices their writes, and refuses invalid launches. */

import { describe, expect } from 'vitest';
import { backward, conv2d, scope, Tensor } from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { linearGrid } from '../../src/kernels/grid.ts';
import { defineKernel, launch } from '../../src/kernels/kernel.ts';
import { openAs, withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

const descend = defineKernel({
  name: 'test_descend',
  bindings: { parameter: 'read_write', grad: 'read' },
  uniforms: { count: 'u32', lr: 'f32' },
  wgsl: `
    struct Params { count: u32, lr: f32 }
    @group(0) @binding(0) var<storage, read_write> parameter: array<f32>;
    @group(0) @binding(1) var<storage, read> grad: array<f32>;
    @group(0) @binding(2) var<uniform> params: Params;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      if (id.x < params.count) { parameter[id.x] -= params.lr * grad[id.x]; }
    }`,
});

describe('a user’s optimizer', () => {
  for (const kind of ['cpu', 'gpu'] as const) {
    gpuTest(`trains a convolution whose kernels keep derived weights, as on a ${kind}`, async () => {
      const own = await openAs({ kind });
      const values = (count: number, from: number) =>
        Float32Array.from({ length: count }, (_, i) => Math.sin(from + i));
      const x = Tensor.from(own, values(2 * 16 * 12 * 12, 1), [2, 16, 12, 12]);
      const w = Tensor.from(own, values(16 * 16 * 9, 5), [16, 16, 3, 3]);
      w.requiresGrad = true;
      const forward = () => scope(() => conv2d(x, w, undefined, { padding: [1, 1] }));
      const y = forward();
      backward(y, Tensor.from(own, values(y.size, 9), y.shape));
      const buffers = { parameter: w.buffer, grad: w.grad!.buffer };
      launch(own, descend, { buffers, uniforms: { count: w.size, lr: 0.01 }, workgroups: linearGrid(w.size, 64) });
      const after = await forward().data();
      // The same weights in a tensor that has no derived data yet.
      const fresh = Tensor.from(own, await w.data(), w.shape);
      fresh.requiresGrad = true;
      const expected = await scope(() => conv2d(x, fresh, undefined, { padding: [1, 1] })).data();
      expect(after).toEqual(expected);
      expect(after).not.toEqual(await y.data());
    });
  }
});

describe('launch refuses', () => {
  gpuTest('one buffer for two bindings if one of them is written', () => {
    const x = Tensor.zeros(gpu, [4]);
    const run = { uniforms: { count: 4, lr: 1 }, workgroups: [1, 1, 1] as const };
    expect(() => launch(gpu, descend, { ...run, buffers: { parameter: x.buffer, grad: x.buffer } })).toThrow(
      expect.objectContaining({
        name: 'GpuError',
        message: expect.stringContaining('test_descend: parameter is written and has the same buffer as grad'),
      }),
    );
  });

  gpuTest('a buffer of another device', async () => {
    const other = await openGpu();
    const [here, there] = [Tensor.zeros(gpu, [4]), Tensor.zeros(other, [4])];
    const run = { uniforms: { count: 4, lr: 1 }, workgroups: [1, 1, 1] as const };
    expect(() => launch(gpu, descend, { ...run, buffers: { parameter: here.buffer, grad: there.buffer } })).toThrow(
      expect.objectContaining({
        name: 'DeviceMismatchError',
        message: expect.stringContaining('test_descend: the buffer of grad is on another device'),
      }),
    );
    other.close();
  });
});
