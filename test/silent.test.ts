/** Misuse that once gave wrong values in silence is an error that names its cause. */

import { describe, expect, test } from 'vitest';
import {
  add,
  backward,
  checkGradients,
  concat,
  conv2d,
  crossEntropy,
  elementwise,
  keep,
  linear,
  mse,
  noGrad,
  record,
  relu,
  reshape,
  scope,
  Tensor,
  where,
} from '../src/autograd/index.ts';
import { DawngradError } from '../src/errors.ts';
import { linearGrid } from '../src/kernels/grid.ts';
import { defineKernel, launch } from '../src/kernels/kernel.ts';
import { Linear, Module, pipe } from '../src/nn/index.ts';
import { SGD } from '../src/optim/index.ts';
import { Generator } from '../src/random/mt19937.ts';
import { withGpu } from './support/gpu.ts';
import { untyped } from './support/untyped.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });
const random = new Generator(3);

function leaf(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  const tensor = Tensor.from(gpu, values, shape);
  tensor.requiresGrad = true;
  return tensor;
}

describe('a module', () => {
  class Net extends Module {
    readonly a = new Linear(gpu, 2, 2, { random });
    readonly b = this.registerModule('b', new Linear(gpu, 2, 1, { random }));

    override forward(x: Tensor): Tensor {
      return this.b.call(this.a.call(x));
    }
  }
  class Scaled extends Module {
    readonly factor = leaf([2]);

    override forward(x: Tensor): Tensor {
      return x;
    }
  }
  class Holding extends Module {
    readonly #shared = new Linear(gpu, 2, 2, { random });
    readonly constant = Tensor.from(gpu, [1]);

    override forward(x: Tensor): Tensor {
      return this.#shared.call(x);
    }
  }

  gpuTest('with a child or a parameter that is not registered is refused', () => {
    expect(() => new Net().parameters()).toThrow('Net: the module in its field a is not registered');
    expect(() => new Net().eval()).toThrow("this.registerModule('a', …)");
    expect(() => new Net().stateDict()).toThrow('neither trained nor saved');
    expect(() => new Scaled().parameters()).toThrow('Scaled: the parameter in its field factor is not registered');
  });

  gpuTest('may hold others in private fields, and constants', () => {
    expect(new Holding().parameters()).toEqual([]);
  });
});

describe('another shape', () => {
  gpuTest('reshape passes gradients on', async () => {
    const [x, weights] = [leaf([1, 2, 3, 4, 5, 6], [2, 3]), Tensor.from(gpu, [1, -2, 3, -4, 5, -6], [3, 2])];
    await checkGradients((one) => add(reshape(relu(one!), [3, 2]), weights), [x]);
    const y = reshape(x, [3, 2]);
    expect([y.shape, await y.data()]).toEqual([[3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)]);
    expect(() => reshape(x, [4])).toThrow('reshape: input [2, 3] has 6 values, which shape [4] does not hold.');
  });

  gpuTest('view keeps the graph, as in torch, and detach cuts it', async () => {
    const x = leaf([1, 2, 3, 4]);
    backward(x.view([2, 2]).relu(), 3);
    expect(await x.grad!.data()).toEqual(new Float32Array(4).fill(3));
    expect(x.view([2, -1]).shape).toEqual([2, 2]);
    expect(x.detach().requiresGrad).toBe(false);
  });

  gpuTest('a shape that its owner changes later is that of the tensor no more', () => {
    const shape = [2, 2];
    const x = Tensor.from(gpu, [1, 2, 3, 4], shape);
    shape[0] = 3;
    expect(x.shape).toEqual([2, 2]);
  });

  gpuTest('that takes more than a buffer may is refused before anything fails', async () => {
    expect(() => Tensor.empty(gpu, [2 ** 20, 2 ** 12])).toThrow(/shape \[1048576, 4096\] takes 17179869184 bytes/);
    expect(() => Tensor.empty(gpu, untyped(2))).toThrow('A shape is an array of extents, got 2.');
    expect(await Tensor.from(gpu, [1]).item()).toBe(1);
  });
});

describe('a type', () => {
  gpuTest('that there is not, or that values do not give', () => {
    expect(() => Tensor.from(gpu, [1], [1], untyped('banana'))).toThrow(
      'the type must be f32, f16, u32, i32, got banana',
    );
    expect(() => Tensor.from(gpu, [1, 2], [2], untyped('f16'))).toThrow('convert it with toDType()');
  });
});

describe('an optimizer', () => {
  gpuTest('refuses what gets no gradient', () => {
    expect(() => new SGD([relu(leaf([1]))], { lr: 1 })).toThrow('SGD: parameter 0 is a result of relu');
    const parameter = leaf([1]);
    const optimizer = new SGD([parameter], { lr: 1 });
    parameter.dispose();
    expect(() => optimizer.step()).toThrow('disposed');
  });

  gpuTest('refuses settings that were changed to invalid ones', async () => {
    const parameter = leaf([1]);
    parameter.grad = Tensor.from(gpu, [1]);
    const optimizer = new SGD([parameter], { lr: 1 });
    optimizer.momentum = Number.NaN;
    expect(() => optimizer.step()).toThrow('SGD: momentum must be a finite number of at least 0, got NaN.');
    optimizer.momentum = 0;
    optimizer.nesterov = true;
    expect(() => optimizer.step()).toThrow('nesterov needs a momentum above 0');
    expect(await parameter.item()).toBe(1);
  });
});

describe('backward', () => {
  gpuTest('refuses options that it would misread', () => {
    const loss = relu(leaf([1]));
    expect(() => backward(loss, untyped([0.5]))).toThrow('backward(): option 0 is not implemented');
    expect(() => backward(loss, untyped({ seed: 'abc' }))).toThrow('seed must be a tensor or a number');
    expect(() => backward(loss, untyped({ retain: true }))).toThrow('option retain');
  });

  gpuTest('leaves a gradient alone that is its owner’s', async () => {
    const ones = keep(Tensor.from(gpu, [1, 1]));
    const op = (input: Tensor) =>
      record({ name: 'op', inputs: { input }, output: relu(input.detach()), saved: [ones], backward: () => [ones] });
    const x = leaf([1, 2]);
    for (let i = 0; i < 3; i++) backward(op(x), 1);
    expect(await x.grad!.data()).toEqual(Float32Array.of(3, 3));
    expect(await ones.data()).toEqual(Float32Array.of(1, 1));
  });
});

describe('functions that run later', () => {
  test('generators are refused like async functions', () => {
    expect(() => noGrad(function* () {})).toThrow('noGrad() takes a synchronous function');
    expect(() => scope(async function* () {})).toThrow('scope() takes a synchronous function');
  });
});

describe('pipe', () => {
  gpuTest('disposes nothing that is not its own', async () => {
    const [x, cached] = [Tensor.from(gpu, [-1, 2]), keep(Tensor.from(gpu, [-3, 4]))];
    let skip: Tensor | undefined;
    const found = scope(() =>
      pipe(
        x,
        relu,
        (h) => {
          skip = keep(h);
          return h;
        },
        relu,
        (h) => add(h, skip!),
      ),
    );
    expect(await found.data()).toEqual(Float32Array.of(0, 4));
    expect(await scope(() => pipe(x, () => cached, relu)).data()).toEqual(Float32Array.of(0, 4));
    expect(cached.disposed).toBe(false);
  });
});

describe('a kernel', () => {
  const wgsl = `struct P { count: u32, factor: f32 }
    @group(0) @binding(0) var<storage, read_write> output: array<f32>;
    @group(0) @binding(1) var<uniform> params: P;
    @compute @workgroup_size(1) fn main() { output[0] = params.factor + f32(params.count); }`;
  const kernel = defineKernel({
    name: 'own',
    bindings: { output: 'read_write' },
    uniforms: { count: 'u32', factor: 'f32' },
    wgsl,
  });
  const run = (uniforms: object, workgroups: readonly number[] = [1, 1, 1]) => {
    const output = Tensor.zeros(gpu, [1]);
    launch(gpu, kernel, {
      buffers: { output: output.buffer },
      uniforms: untyped(uniforms),
      workgroups: untyped(workgroups),
    });
    return output.item();
  };

  gpuTest('refuses uniforms that would be misread', async () => {
    expect(await run({ count: 2, factor: 0.5 })).toBe(2.5);
    expect(() => run({ count: -1, factor: 1 })).toThrow(
      'Uniform count of type u32 must be from 0 to 4294967295, got -1.',
    );
    expect(() => run({ count: 2 ** 32 + 5, factor: 1 })).toThrow(RangeError);
    expect(() => run({ count: 1 })).toThrow('Uniform factor must be a number, got type undefined.');
    expect(() => run({ count: 1, factor: 1, fcator: 2 })).toThrow('uniform fcator is not declared');
  });

  gpuTest('refuses uniforms in another order than its struct', () => {
    const swapped = defineKernel({ ...kernel, uniforms: { factor: 'f32', count: 'u32' }, wgsl });
    const output = Tensor.zeros(gpu, [1]);
    const launched = () =>
      launch(gpu, swapped, {
        buffers: { output: output.buffer },
        uniforms: { factor: 1, count: 1 },
        workgroups: [1, 1, 1],
      });
    expect(launched).toThrow('own: its uniforms are declared as { factor: f32, count: u32 }, but struct P has');
  });

  gpuTest('refuses grids that are none', () => {
    expect(() => run({ count: 1, factor: 1 }, [2.7, 1, 1])).toThrow('own: workgroups must be three whole numbers');
    expect(() => run({ count: 1, factor: 1 }, [70_000, 1, 1])).toThrow('linearGrid() folds larger counts');
    expect(() => linearGrid(Number.NaN, 64)).toThrow(RangeError);
    expect(() => linearGrid(2 ** 40, 1)).toThrow(RangeError);
  });

  gpuTest('tells constants apart that JSON does not', async () => {
    const constant = defineKernel({
      name: 'constant',
      bindings: { output: 'read_write' },
      uniforms: {},
      wgsl: ({ v }: { v: number }) =>
        `@group(0) @binding(0) var<storage, read_write> output: array<f32>;
         @compute @workgroup_size(1) fn main() { output[0] = ${v > 0 ? '1.0' : '2.0'}; }`,
    });
    const found = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((v) => {
      const output = Tensor.zeros(gpu, [1]);
      launch(gpu, constant, {
        buffers: { output: output.buffer },
        uniforms: {},
        constants: { v },
        workgroups: [1, 1, 1],
      });
      return output.item();
    });
    expect(await Promise.all(found)).toEqual([1, 2]);
  });

  gpuTest('an elementwise input may have any name but a word of WGSL', async () => {
    const half = elementwise({ name: 'half', inputs: ['output', 'params'], wgsl: '0.5 * output + params' });
    expect(await half(Tensor.from(gpu, [2]), Tensor.from(gpu, [1])).item()).toBe(2);
    expect(() => elementwise({ name: 'bad', inputs: ['var'], wgsl: 'var' })).toThrow('no word of WGSL');
  });
});

describe('checkGradients', () => {
  gpuTest('says that it cannot measure where float32 loses the step', async () => {
    await expect(checkGradients((x) => relu(x!), [leaf([1e6, 2e6, 3e6])])).rejects.toThrow(
      'input 0 has values of up to 3000000, where float32 loses a step of 0.01',
    );
  });
});

describe('a generator', () => {
  test('refuses seeds and ranges that are none', () => {
    for (const seed of [Number.NaN, 1.5, untyped<number>('a')])
      expect(() => new Generator(seed)).toThrow('a whole number');
    for (const n of [0, 2.5, Number.NaN, 2 ** 32]) expect(() => new Generator(1).randint(n)).toThrow(RangeError);
  });
});

describe('what is no tensor', () => {
  const wrong: readonly [message: string, run: () => unknown][] = [
    ['crossEntropy: labels must be a tensor, got an array.', () => crossEntropy(leaf([1, 2], [1, 2]), untyped([0]))],
    ['mse: target must be a tensor, got type number.', () => mse(leaf([1]), untyped(0))],
    ['matmul: b must be a tensor, got type number.', () => leaf([1, 2]).matmul(untyped(2))],
    ['indexSelect: index must be a tensor, got an array.', () => leaf([1, 2]).indexSelect(0, untyped([0]))],
    ['relu: x must be a tensor, got type number.', () => relu(untyped(1))],
    ['where: condition must be a tensor, got type number.', () => where(untyped(1), leaf([1]), 0)],
    ['linear: weight must be a tensor, got null.', () => linear(leaf([1, 2], [1, 2]), untyped(null))],
    ['concat: ', () => concat([leaf([1]), untyped(1)])],
    ['conv2d: ', () => conv2d(leaf([1], [1, 1, 1, 1]), leaf([1], [1, 1, 1, 1]), untyped({ padding: 1 }))],
    ['backward: the result must be a tensor, got type undefined.', () => backward(untyped(undefined))],
    ['add: takes 2 values (a, b), got 3.', () => (add as (...values: unknown[]) => unknown)(leaf([1]), 1, 2)],
    ['reshape: a shape is a list of extents, such as [2, 3] or [-1], got 3.', () => leaf([1]).reshape(untyped(3))],
  ];
  for (const [message, run] of wrong) {
    gpuTest(`is refused by name: ${message}`, () => {
      expect(run).toThrow(expect.objectContaining({ message: expect.stringContaining(message) }));
      expect(run).toThrow(DawngradError);
    });
  }
});
