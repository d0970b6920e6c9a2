/**
 * Several graphs at once: each belongs to its results, runs backward by itself, and is freed when nothing leads to it.
 */

import { describe, expect } from 'vitest';
import { add, backward, linear, record, relu, scope, Tensor } from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

function leaf(values: number[], on: Gpu = gpu): Tensor {
  const tensor = Tensor.from(on, Float32Array.from(values), [values.length]);
  tensor.requiresGrad = true;
  return tensor;
}

const gradOf = async (tensor: Tensor) => [...(await tensor.grad!.data())];

describe('two losses', () => {
  gpuTest('of the same parameter each get their backward, in either order', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const x = leaf([3]);
      const losses = [relu(x), add(add(x, x), x)];
      backward(losses[order[0]]!);
      backward(losses[order[1]]!);
      expect(await gradOf(x)).toEqual([4]);
    }
  });

  gpuTest('of two nets, as in a GAN: one passes through both, the other stops at a view', async () => {
    const [generator, discriminator] = [leaf([2]), leaf([5])];
    const fake = add(generator, generator);
    const seen = add(relu(fake.detach()), discriminator);
    const through = add(relu(fake), discriminator);
    backward(seen);
    expect(generator.grad).toBeUndefined();
    expect(await gradOf(discriminator)).toEqual([1]);
    backward(through);
    expect(await gradOf(generator)).toEqual([2]);
    expect(await gradOf(discriminator)).toEqual([2]);
  });

  gpuTest('on one trunk: the first keeps the graph for the second', async () => {
    const x = leaf([1]);
    const trunk = relu(x);
    const [first, second] = [relu(trunk), add(trunk, trunk)];
    backward(first, { retainGraph: true });
    backward(second);
    expect(await gradOf(x)).toEqual([3]);
    expect(() => backward(first)).toThrow('used up at relu');
  });
});

describe('retainGraph', () => {
  gpuTest('runs backward again, with the same gradient', async () => {
    const x = leaf([2]);
    const y = relu(add(x, x));
    for (const expected of [2, 4, 6]) {
      backward(y, { retainGraph: true });
      expect(await gradOf(x)).toEqual([expected]);
    }
    backward(y);
    expect(await gradOf(x)).toEqual([8]);
    expect(() => backward(y)).toThrow('used up');
  });

  gpuTest('takes a seed, as a tensor or as one value for all elements', async () => {
    const x = leaf([1, -1]);
    const y = relu(x);
    backward(y, { seed: 3, retainGraph: true });
    expect(await gradOf(x)).toEqual([3, 0]);
    backward(y, { seed: Tensor.from(gpu, Float32Array.of(10, 20), [2]) });
    expect(await gradOf(x)).toEqual([13, 0]);
    const z = relu(x);
    backward(z, 0.5);
    expect(await gradOf(x)).toEqual([13.5, 0]);
  });

  gpuTest('the memory of a kept graph is freed with its result', async () => {
    const own = await openGpu();
    const x = leaf([1, 2, 3], own);
    const seed = Tensor.from(own, Float32Array.of(1, 1, 1), [3]);
    const before = own.pool.liveBytes;
    const y = scope(() => relu(relu(relu(x))));
    backward(y, { seed, retainGraph: true });
    expect(own.pool.liveBytes).toBeGreaterThan(before + x.grad!.storage.bytes + 2 * 12);
    y.dispose();
    x.zeroGrad();
    expect(own.pool.liveBytes).toBe(before);
    own.close();
  });
});

describe('as in torch', () => {
  gpuTest('an op that saved nothing runs backward twice', async () => {
    const x = leaf([1]);
    const y = add(x, x);
    backward(y);
    backward(y);
    expect(await gradOf(x)).toEqual([4]);
  });

  gpuTest('backward of one result does not touch the graph of another', async () => {
    const x = leaf([1]);
    const h = relu(x);
    const other = relu(h);
    const [a, b] = [leaf([1]), leaf([2])];
    backward(relu(add(a, b)));
    backward(other);
    expect(await gradOf(x)).toEqual([1]);
  });

  gpuTest('an input frozen or disposed after forward gets no gradient, and no kernel if it is a leaf', () => {
    const [input, weight] = [leaf([1, 2]), leaf([3, 4])];
    const y = linear(input.alias([1, 2]), weight.alias([1, 2]));
    expect(y.requiresGrad).toBe(false);
    let asked: readonly boolean[] = [];
    const op = (...inputs: Tensor[]) =>
      record({
        name: 'asks',
        inputs,
        output: Tensor.zeros(gpu, [2]),
        backward: (grad, needs) => {
          asked = needs;
          return inputs.map((_, i) => (needs[i] ? grad : undefined));
        },
      });
    const gone = leaf([1, 2]);
    const z = op(input, weight, gone);
    weight.requiresGrad = false;
    gone.dispose();
    backward(z, 1);
    expect(asked).toEqual([true, false, false]);
    expect([weight.grad, gone.grad]).toEqual([undefined, undefined]);
  });

  gpuTest('a parameter unfrozen after the forward pass gets no gradient from it', () => {
    const [x, w] = [leaf([1]), leaf([2])];
    w.requiresGrad = false;
    const y = linear(relu(x).alias([1, 1]), w.alias([1, 1]));
    expect(y.requiresGrad).toBe(false);
    const z = add(x, w);
    w.requiresGrad = true;
    backward(z);
    expect(w.grad).toBeUndefined();
  });

  gpuTest('a result cannot be made a leaf', () => {
    const y = relu(leaf([1]));
    expect(() => Object.assign(y, { requiresGrad: false })).toThrow('this tensor is a result of relu');
    y.requiresGrad = true;
  });
});
