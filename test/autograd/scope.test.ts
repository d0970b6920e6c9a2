/** Scopes and noGrad: a scope finds the tensors in a result or refuses it, and asynchronous bodies are refused. */

import { describe, expect } from 'vitest';
import { backward, keep, noGrad, relu, scope, Tensor } from '../../src/autograd/index.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();
const small = () => Tensor.zeros(gpu, [2]);

describe('a scope keeps', () => {
  const results: Record<string, (tensor: Tensor) => unknown> = {
    'a tensor': (tensor) => tensor,
    'the values of a Map': (tensor) => new Map([['a', tensor]]),
    'the keys of a Map': (tensor) => new Map([[tensor, 1]]),
    'a Set': (tensor) => new Set([tensor]),
    'nested arrays and objects': (tensor) => [{ a: new Map([[1, [{ tensor }]]]) }],
    'an object without a prototype': (tensor) => Object.assign(Object.create(null), { tensor }),
    'a cycle': (tensor) => {
      const cycle: Record<string, unknown> = { tensor };
      cycle.self = cycle;
      return cycle;
    },
  };
  for (const [where, wrap] of Object.entries(results)) {
    gpuTest(`${where}, and disposes the rest`, () => {
      let inside: Tensor | undefined;
      let other: Tensor | undefined;
      scope(() => {
        scope(() => {
          inside = small();
          other = small();
          return wrap(inside);
        });
        expect([inside!.disposed, other!.disposed]).toEqual([false, true]);
      });
      expect(inside!.disposed).toBe(true);
    });
  }
});

describe('a scope refuses', () => {
  class Hidden {
    readonly #tensor: Tensor;
    constructor(tensor: Tensor) {
      this.#tensor = tensor;
    }
    get tensor() {
      return this.#tensor;
    }
  }

  gpuTest('a result that hides tensors, and frees everything', () => {
    const before = gpu.pool.liveBytes;
    expect(() => scope(() => new Hidden(small()))).toThrow('scope(): tensors cannot be found in a Hidden');
    expect(() => scope(() => [small(), { deep: new Hidden(small()) }])).toThrow('cannot be found in a Hidden');
    expect(gpu.pool.liveBytes).toBe(before);
  });

  gpuTest('no such result if the hidden tensors would not be freed', () => {
    const outside = small();
    expect(scope(() => new Hidden(outside)).tensor).toBe(outside);
    expect(scope(() => new Hidden(keep(small()))).tensor.disposed).toBe(false);
  });
});

describe('asynchronous functions', () => {
  gpuTest('may be returned if they have not been called', async () => {
    const x = small();
    const later = async () => x.size;
    expect(await scope(() => later)()).toBe(2);
    expect(await noGrad(() => later)()).toBe(2);
  });

  gpuTest('are refused by noGrad before they run', async () => {
    const x = small();
    x.requiresGrad = true;
    let ran = false;
    expect(() =>
      noGrad(async () => {
        ran = true;
        await x.data();
        return relu(x);
      }),
    ).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: expect.stringContaining('noGrad() takes a synchronous function'),
      }),
    );
    expect(ran).toBe(false);
    expect(relu(x).requiresGrad).toBe(true);
  });

  gpuTest('are refused if only the returned promise reveals them, and its rejection is handled', async () => {
    const before = gpu.pool.liveBytes;
    for (const within of [noGrad, scope]) {
      expect(() => within(() => Promise.reject(new Error('later')))).toThrow('takes a synchronous function');
      expect(() => within(() => small().data())).toThrow('takes a synchronous function');
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(gpu.pool.liveBytes).toBeLessThanOrEqual(before + 16);
  });
});

gpuTest('every use of a disposed tensor throws an error that names it', () => {
  const x = small();
  x.requiresGrad = true;
  const y = relu(x);
  y.dispose();
  const error = (message: string) =>
    expect.objectContaining({ name: 'DisposedTensorError', message: expect.stringContaining(message) });
  expect(() => relu(y)).toThrow(error('relu: x [2] was disposed'));
  expect(() => backward(y, 1)).toThrow(error('backward: the result [2] was disposed'));
  expect(() => y.set([1, 2])).toThrow(error('(relu) was disposed'));
  // The graph keeps the storage, but the tensor stays unusable.
  const z = relu(x);
  relu(z).requiresGrad;
  z.dispose();
  expect(() => z.buffer).toThrow(error('was disposed'));
});
