/** Graphs: sums of gradients, the memory that is kept and when it is freed, and work that is skipped. */

import { describe, expect } from 'vitest';
import {
  add,
  backward,
  batchNorm2d,
  GraphError,
  graphSize,
  linear,
  maxPool2d,
  noGrad,
  record,
  relu,
  scope,
  Tensor,
} from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

function leaf(values: number[], shape = [values.length], on: Gpu = gpu): Tensor {
  const tensor = Tensor.from(on, Float32Array.from(values), shape);
  tensor.requiresGrad = true;
  return tensor;
}

const gradOf = async (tensor: Tensor) => [...(await tensor.grad!.data())];
const onesLike = (tensor: Tensor) => Tensor.from(tensor.gpu, new Float32Array(tensor.size).fill(1), tensor.shape);

describe('gradients add up', () => {
  gpuTest('where a tensor is used twice by one op', async () => {
    const x = leaf([1, 2]);
    const y = add(x, x);
    backward(y, onesLike(y));
    expect(await gradOf(x)).toEqual([2, 2]);
  });

  gpuTest('where a result is used by two ops', async () => {
    const x = leaf([-1, 2, 3]);
    const h = add(x, leaf([0, 0, 0]));
    const y = add(add(relu(h), h), h);
    backward(y, onesLike(y));
    expect(await gradOf(x)).toEqual([2, 3, 3]);
  });

  gpuTest('from one backward to the next, until zeroGrad', async () => {
    const x = leaf([1, 2]);
    for (const expected of [1, 2, 3]) {
      const y = relu(x);
      backward(y, onesLike(y));
      expect(await gradOf(x)).toEqual([expected, expected]);
    }
    x.zeroGrad();
    expect(x.grad).toBeUndefined();
    const y = relu(x);
    backward(y, onesLike(y));
    expect(await gradOf(x)).toEqual([1, 1]);
  });

  gpuTest('without touching a gradient that several tensors share', async () => {
    const [a, b] = [leaf([1, 1]), leaf([1, 1])];
    const y = add(a, b);
    const z = add(y, a);
    backward(z, onesLike(z));
    expect(await gradOf(a)).toEqual([2, 2]);
    expect(await gradOf(b)).toEqual([1, 1]);
  });

  gpuTest('from 1 for a single value, or from the seed', async () => {
    const x = leaf([3]);
    backward(add(x, x));
    expect(await gradOf(x)).toEqual([2]);
    x.zeroGrad();
    const y = add(x, x);
    const seed = Tensor.from(gpu, Float32Array.of(-5), [1]);
    backward(y, seed);
    expect(await gradOf(x)).toEqual([-10]);
    expect([...(await seed.data())]).toEqual([-5]);
  });
});

describe('without a gradient', () => {
  gpuTest('noGrad records nothing and keeps nothing', () => {
    const x = leaf([1, 2, 3, 4], [1, 1, 2, 2]);
    const [weight, bias] = [leaf([1]), leaf([0])];
    const [mean, variance] = [leaf([0]), leaf([1])];
    const before = gpu.pool.liveBytes;
    const entries = graphSize(gpu);
    const y = noGrad(() =>
      scope(() => {
        const normal = batchNorm2d(x, weight, bias, mean, variance, { training: true });
        return maxPool2d(relu(normal), { kernelSize: 2 });
      }),
    );
    expect(y.requiresGrad).toBe(false);
    expect(graphSize(gpu)).toBe(entries);
    expect(gpu.pool.liveBytes - before).toBe(16);
    y.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });

  gpuTest('noGrad ends with its function, even if that throws', () => {
    const x = leaf([1]);
    expect(() =>
      noGrad(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(relu(x).requiresGrad).toBe(true);
  });

  gpuTest('a frozen input gets no backward kernel', async () => {
    const count = (frozen: readonly ('input' | 'weight' | 'bias')[]) => {
      const tensors = { input: leaf([1, 2], [1, 2]), weight: leaf([3, 4], [1, 2]), bias: leaf([5], [1]) };
      for (const name of frozen) tensors[name].requiresGrad = false;
      const y = linear(tensors.input, tensors.weight, tensors.bias);
      const seed = onesLike(y);
      const before = gpu.stats.dispatches;
      backward(y, seed);
      for (const name of frozen) expect(tensors[name].grad).toBeUndefined();
      return gpu.stats.dispatches - before;
    };
    expect(count([])).toBe(3);
    expect(count(['input'])).toBe(2);
    expect(count(['input', 'weight'])).toBe(1);
    expect(count(['weight', 'bias'])).toBe(1);
  });

  gpuTest('batch norm runs only the kernels that are needed', () => {
    const count = (training: boolean, learns: readonly string[]) => {
      const tensors = { input: leaf([1, 2, 3, 4], [2, 1, 1, 2]), weight: leaf([1]), bias: leaf([0]) };
      for (const [name, tensor] of Object.entries(tensors)) tensor.requiresGrad = learns.includes(name);
      const [mean, variance] = [leaf([0]), leaf([1])];
      const y = batchNorm2d(tensors.input, tensors.weight, tensors.bias, mean, variance, { training });
      if (!y.requiresGrad) return 'not recorded';
      const seed = onesLike(y);
      const before = gpu.stats.dispatches;
      backward(y, seed);
      for (const [name, tensor] of Object.entries(tensors))
        expect(tensor.grad !== undefined).toBe(learns.includes(name));
      return gpu.stats.dispatches - before;
    };
    expect(count(true, ['input', 'weight', 'bias'])).toBe(2);
    expect(count(true, ['input'])).toBe(2);
    expect(count(true, ['weight', 'bias'])).toBe(1);
    expect(count(false, ['input', 'bias'])).toBe(2);
    expect(count(false, ['input'])).toBe(1);
    expect(count(false, ['weight'])).toBe(1);
    expect(count(true, [])).toBe('not recorded');
  });
});

describe('memory', () => {
  gpuTest('activations are freed as backward passes them', async () => {
    const own = await openGpu();
    const size = 64 * 1024;
    const bytes = size * 4;
    const depth = 20;
    const x = leaf(
      Array.from({ length: size }, (_, i) => Math.sin(i)),
      [size],
      own,
    );
    const y = scope(() => {
      let h = x;
      for (let i = 0; i < depth; i++) h = relu(h);
      return h;
    });
    // The input, and each layer's output, which relu saves.
    expect(own.pool.liveBytes).toBe((depth + 1) * bytes);
    const seed = onesLike(y);
    // The rest is the seed, y's activation until the end, and two gradients while one is computed from the other.
    // Keeping all gradients would be 20 more.
    backward(y, seed);
    expect(own.pool.peakBytes).toBeLessThanOrEqual((depth + 1 + 3) * bytes);
    seed.dispose();
    y.dispose();
    // Only the input and its gradient are left.
    expect(own.pool.liveBytes).toBe(2 * bytes);
    x.dispose();
    expect(own.pool.liveBytes).toBe(0);
    own.close();
  });

  gpuTest('a graph is freed with the last result that leads to it', () => {
    const before = gpu.pool.liveBytes;
    const entries = graphSize(gpu);
    const x = leaf([1, 2]);
    const [y, z] = scope(() => {
      const h = relu(x);
      return [relu(h), relu(h)] as const;
    });
    expect(graphSize(gpu) - entries).toBe(3);
    y.dispose();
    expect(graphSize(gpu) - entries).toBe(2);
    z.dispose();
    expect(graphSize(gpu)).toBe(entries);
    x.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });

  gpuTest('a graph deeper than the call stack is freed, and runs backward', async () => {
    const own = await openGpu();
    const x = leaf([1, 2], [2], own);
    const deep = () =>
      scope(() => {
        let h = x;
        for (let i = 0; i < 20_000; i++) h = relu(h);
        return h;
      });
    deep().dispose();
    expect(graphSize(own)).toBe(0);
    const y = deep();
    const seed = onesLike(y);
    backward(y, seed);
    expect(await gradOf(x)).toEqual([1, 1]);
    for (const tensor of [x, y, seed]) tensor.dispose();
    expect(own.pool.liveBytes).toBe(0);
    own.close();
  });

  gpuTest('an op whose backward throws leaves nothing behind', () => {
    const before = gpu.pool.liveBytes;
    const entries = graphSize(gpu);
    const x = leaf([1, 2]);
    const broken = (input: Tensor) =>
      record({
        name: 'broken',
        inputs: [input],
        output: Tensor.zeros(gpu, input.shape),
        saved: [input],
        backward: () => {
          throw new Error('broken op');
        },
      });
    const y = scope(() => relu(broken(relu(x))));
    const seed = onesLike(y);
    expect(() => backward(y, seed)).toThrow('broken op');
    for (const tensor of [x, y, seed]) tensor.dispose();
    expect(graphSize(gpu)).toBe(entries);
    expect(gpu.pool.liveBytes).toBe(before);
    // The thrown error did not leave gradients switched off.
    expect(relu(leaf([1])).requiresGrad).toBe(true);
  });
});

describe('backward refuses', () => {
  gpuTest('several values without a seed', () => {
    const y = relu(leaf([1, 2]));
    expect(() => backward(y)).toThrow('starts from one value, got shape [2]. Pass a seed gradient.');
  });

  gpuTest('a tensor that requires no gradient', () => {
    expect(() => backward(Tensor.zeros(gpu, [1]))).toThrow('nothing that led to this tensor requires a gradient');
  });

  gpuTest('a graph that was used up', () => {
    const x = leaf([1]);
    const h = relu(x);
    const y = relu(h);
    backward(y);
    expect(() => backward(y)).toThrow(GraphError);
    expect(() => backward(y)).toThrow('the graph was used up at relu by an earlier backward()');
    expect(() => backward(relu(h))).toThrow('the graph was used up at relu by an earlier backward()');
    // A view starts a new graph.
    expect(relu(h.detach()).requiresGrad).toBe(false);
  });
});
