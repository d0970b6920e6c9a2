/** Tensors, their memory, and scopes. */

import { describe, expect } from 'vitest';
import { keep, relu, scope, Tensor } from '../../src/autograd/index.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

const small = () => Tensor.from(gpu, Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);

describe('Tensor', () => {
  gpuTest('returns its values, also as integers and after set()', async () => {
    const tensor = small();
    expect([...(await tensor.data())]).toEqual([1, 2, 3, 4, 5, 6]);
    const { version } = tensor.storage;
    tensor.set(Float32Array.of(6, 5, 4, 3, 2, 1));
    expect([...(await tensor.data())]).toEqual([6, 5, 4, 3, 2, 1]);
    expect(tensor.storage.version).toBe(version + 1);
    const labels = Tensor.from(gpu, Uint32Array.of(7, 4294967295), [2]);
    expect([...new Uint32Array((await labels.data()).buffer)]).toEqual([7, 4294967295]);
  });

  gpuTest('an upload takes effect after the work recorded before it', async () => {
    const tensor = small();
    const output = relu(tensor);
    tensor.set(new Float32Array(6).fill(-1));
    expect([...(await output.data())]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  gpuTest('refuses wrong sizes, extents and types', () => {
    expect(() => Tensor.from(gpu, new Float32Array(5), [2, 3])).toThrow('shape [2, 3] needs 6 values, got 5');
    expect(() => Tensor.empty(gpu, [2, -1])).toThrow('must be whole numbers of at least 0, got [2, -1]');
    expect(() => small().view([4])).toThrow('reshape: input [2, 3] has 6 values, which shape [4] does not hold');
    expect(() => small().set(new Float32Array(5))).toThrow('takes 6 values of type f32, got 5');
  });

  gpuTest('may have no values', async () => {
    const none = Tensor.from(gpu, [], [2, 0, 3]);
    expect([none.size, await none.data()]).toEqual([0, new Float32Array(0)]);
    none.set([]);
    expect((await Tensor.zeros(gpu, [0]).data()).length).toBe(0);
    expect((await none.detach().data()).length).toBe(0);
    await expect(none.item()).rejects.toThrow('needs one element, got shape [2, 0, 3]');
  });

  gpuTest('item() takes tensors of one value only', async () => {
    expect(await Tensor.from(gpu, Float32Array.of(2.5), []).item()).toBe(2.5);
    await expect(small().item()).rejects.toThrow('needs one element, got shape [2, 3]');
  });

  gpuTest('a disposed tensor throws an error that says so, and disposing twice is harmless', () => {
    const tensor = small();
    tensor.dispose();
    tensor.dispose();
    expect(tensor.disposed).toBe(true);
    expect(() => tensor.buffer).toThrow('A tensor of shape [2, 3] (Tensor.from) was disposed');
    expect(() => relu(tensor)).toThrow('relu: x [2, 3] was disposed');
    expect(() => tensor.detach()).toThrow('was disposed');
  });

  gpuTest('a view keeps the memory; the last owner frees it', async () => {
    const before = gpu.pool.liveBytes;
    const tensor = small();
    const view = tensor.view([6]);
    tensor.dispose();
    expect([...(await view.data())]).toEqual([1, 2, 3, 4, 5, 6]);
    let freed = 0;
    view.storage.onFree(() => freed++);
    view.dispose();
    expect(freed).toBe(1);
    expect(gpu.pool.liveBytes).toBe(before);
  });

  gpuTest('a refused tensor takes no memory', () => {
    const before = gpu.pool.liveBytes;
    const tensor = small();
    expect(() => Tensor.empty(gpu, [1.5])).toThrow('whole numbers of at least 0');
    expect(() => tensor.view([-2, -3])).toThrow('which shape [-2, -3] does not hold');
    tensor.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });
});

describe('scope', () => {
  gpuTest('disposes tensors made inside, except the result', () => {
    let inside: Tensor | undefined;
    const [first, { second }] = scope(() => {
      inside = small();
      return [small(), { second: small() }] as const;
    });
    expect(inside!.disposed).toBe(true);
    expect(first.disposed).toBe(false);
    expect(second.disposed).toBe(false);
  });

  gpuTest('hands its result to the scope around it', () => {
    let returned: Tensor | undefined;
    scope(() => {
      returned = scope(() => small());
      expect(returned.disposed).toBe(false);
    });
    expect(returned!.disposed).toBe(true);
  });

  gpuTest('does not dispose tensors from outside or kept ones', () => {
    const outside = small();
    const kept = scope(() => {
      relu(outside);
      return { value: keep(small()) };
    });
    scope(() => {
      scope(() => keep(kept.value));
    });
    expect(outside.disposed).toBe(false);
    expect(kept.value.disposed).toBe(false);
  });

  gpuTest('disposes everything if its function throws or is asynchronous', () => {
    const before = gpu.pool.liveBytes;
    expect(() =>
      scope(() => {
        small();
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(() => scope(async () => small())).toThrow('takes a synchronous function');
    expect(gpu.pool.liveBytes).toBe(before);
  });
});
