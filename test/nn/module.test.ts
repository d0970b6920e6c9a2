/** Module's own work, on small modules: names, modes and memory. */
import { describe, expect, test } from 'vitest';
import { backward, graphSize, noGrad, relu, scope, Tensor } from '../../src/autograd/index.ts';
import { Counter, Module, ReLU, Sequential } from '../../src/nn/index.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

/** Registers parameters, buffers and children in a given order. */
class Part extends Module {
  add(...names: string[]): this {
    for (const name of names) {
      if (name.startsWith('counter')) this.registerBuffer(name, new Counter());
      else if (name.startsWith('buffer')) this.registerBuffer(name, Tensor.zeros(gpu, [2]));
      else this.registerParameter(name, Tensor.zeros(gpu, [3]));
    }
    return this;
  }

  put(name: string, module: Module): this {
    this.registerModule(name, module);
    return this;
  }

  override forward(input: Tensor): Tensor {
    return relu(relu(relu(input)));
  }
}

describe('names', () => {
  gpuTest('list own parameters, own buffers, then children, in any order of registration', () => {
    const module = new Part()
      .put('first', new Part().add('buffer', 'weight', 'bias', 'counter'))
      .add('buffer', 'weight')
      .put('second', new Sequential(new ReLU(), new Part().add('weight')));
    const names = [
      'weight',
      'buffer',
      'first.weight',
      'first.bias',
      'first.buffer',
      'first.counter',
      'second.1.weight',
    ];
    expect([...module.stateDict().keys()]).toEqual(names);
    expect(Array.from(module.namedParameters(), ([name]) => name)).toEqual(
      names.filter((name) => /weight|bias/.test(name)),
    );
    expect(Array.from(module.namedBuffers(), ([name]) => name)).toEqual(['buffer', 'first.buffer', 'first.counter']);
    expect(Array.from(module.namedModules(), ([name]) => name)).toEqual([
      '',
      'first',
      'second',
      'second.0',
      'second.1',
    ]);
    expect(module.parameters()).toEqual(Array.from(module.namedParameters(), ([, parameter]) => parameter));
    expect(module.parameters().every((parameter) => parameter.requiresGrad)).toBe(true);
    module.dispose();
  });

  gpuTest('a module can replace another under its name, and nothing else can share a name', () => {
    const module = new Part().put('a', new ReLU()).put('b', new ReLU()).add('weight');
    const other = new Part();
    module.put('a', other);
    expect([...module.children.keys()]).toEqual(['a', 'b']);
    expect(module.children.get('a')).toBe(other);
    expect(() => module.put('weight', new ReLU())).toThrow(/already has an entry called "weight"/);
    expect(() => module.add('weight')).toThrow(/already/);
    expect(() => module.add('a')).toThrow(/already/);
    expect(() => module.put('a.b', new ReLU())).toThrow(/without dots/);
    module.dispose();
  });
});

describe('modes', () => {
  test('train and eval apply to every module below', () => {
    const leaf = new ReLU();
    const module = new Part().put('a', new Sequential(leaf));
    expect([module.training, leaf.training]).toEqual([true, true]);
    expect(module.eval()).toBe(module);
    expect([module.training, leaf.training]).toEqual([false, false]);
    leaf.train();
    expect([module.training, leaf.training]).toEqual([false, true]);
    module.train(false);
    expect(leaf.training).toBe(false);
    module.train();
    expect(leaf.training).toBe(true);
  });

  gpuTest('freezing drops gradients and can be undone', () => {
    const module = new Part().put('a', new Part().add('weight'));
    const [weight] = module.parameters() as [Tensor];
    weight.grad = Tensor.zeros(gpu, [3]);
    module.freeze();
    expect([weight.requiresGrad, weight.grad]).toEqual([false, undefined]);
    expect(module.freeze(false).parameters()[0]!.requiresGrad).toBe(true);
    module.dispose();
  });
});

describe('memory', () => {
  const size = 5000;

  gpuTest('a call leaves its result and nothing else', () => {
    const input = Tensor.zeros(gpu, [size]);
    const before = gpu.pool.liveBytes;
    const output = noGrad(() => new Part().call(input));
    expect(gpu.pool.liveBytes - before).toBe(4 * size);
    output.dispose();
    scope(() => void noGrad(() => new Part().call(input)));
    expect(gpu.pool.liveBytes).toBe(before);
    input.dispose();
  });

  gpuTest('the graph keeps the tensors that backward reads, until backward has run', async () => {
    const before = gpu.pool.liveBytes;
    const input = Tensor.from(gpu, new Float32Array(size).fill(2), [size]);
    input.requiresGrad = true;
    const output = new Part().call(input);
    expect(graphSize(gpu)).toBe(3);
    const seed = Tensor.from(gpu, new Float32Array(size).fill(3), [size]);
    backward(output, seed);
    expect((await input.grad!.data())[size - 1]).toBe(3);
    for (const tensor of [seed, output, input]) tensor.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });

  gpuTest('a Sequential never holds more than two results', () => {
    const large = 1_000_004; // more than the rest of this file holds, so that the peak is this test's
    const input = Tensor.zeros(gpu, [large]);
    const before = gpu.pool.liveBytes;
    const row = new Sequential(...Array.from({ length: 6 }, () => new ReLU()));
    const output = noGrad(() => row.call(input));
    expect(gpu.pool.peakBytes - before).toBe(2 * 4 * large);
    expect(input.disposed).toBe(false);
    output.dispose();
    input.dispose();
  });

  gpuTest('an empty Sequential returns its input, not disposed', () => {
    const input = Tensor.zeros(gpu, [1]);
    expect(new Sequential().call(input)).toBe(input);
    expect(input.disposed).toBe(false);
    input.dispose();
  });

  gpuTest('parameters outlive the scope in which they were made, until dispose', () => {
    const before = gpu.pool.liveBytes;
    let module = new Part();
    scope(() => {
      module = new Part().add('weight', 'buffer').put('a', new Part().add('weight'));
    });
    expect(module.parameters().every((parameter) => !parameter.disposed)).toBe(true);
    module.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });
});

describe('inputs and outputs', () => {
  /** Two tensors in, a plain object of two out. */
  class Both extends Module<[a: Tensor, b: Tensor], { readonly sum: Tensor; readonly product: Tensor }> {
    override forward(a: Tensor, b: Tensor) {
      const unused = a.mul(3);
      return { sum: a.add(b), product: unused.div(3).mul(b) };
    }
  }

  gpuTest('may be several; the others that were made on the way are freed', async () => {
    const [a, b] = [Tensor.from(gpu, [1, 2]), Tensor.from(gpu, [3, 4])];
    const before = gpu.pool.liveBytes;
    const { sum, product } = new Both().call(a, b);
    expect([...(await sum.data()), ...(await product.data())]).toEqual([4, 6, 3, 8]);
    sum.dispose();
    product.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });

  gpuTest('a module of several inputs is a child like any other', () => {
    class Parent extends Module<[x: Tensor]> {
      readonly both = this.registerModule('both', new Both());

      override forward(x: Tensor): Tensor {
        return this.both.call(x, x).sum;
      }
    }
    const parent = new Parent().eval();
    expect(parent.both.training).toBe(false);
    expect(Array.from(parent.namedModules(), ([name]) => name)).toEqual(['', 'both']);
  });

  gpuTest('modules and parameters in a list, a map or an object must be registered too', () => {
    const leaf = Tensor.zeros(gpu, [1]);
    leaf.requiresGrad = true;
    for (const [held, register] of [
      [[new Part()], 'registerModule'],
      [{ a: new Part() }, 'registerModule'],
      [new Map([['a', new Part()]]), 'registerModule'],
      [[leaf], 'registerParameter'],
    ] as const) {
      class Holder extends Part {
        readonly layers = held;
      }
      expect(() => new Holder().parameters()).toThrow(
        `Write this.layers = a list of this.${register}('layers0', …), …`,
      );
    }
    class Right extends Part {
      readonly layers = [0, 1].map((i) => this.registerModule(`layers${i}`, new Part().add('weight')));
    }
    expect([...new Right().stateDict().keys()]).toEqual(['layers0.weight', 'layers1.weight']);
  });

  gpuTest('a Sequential takes functions, which count in the names of the modules after them', async () => {
    const double = (x: Tensor) => x.mul(2);
    const chain = new Sequential(new Part().add('weight'), double, new Part().add('weight'));
    expect([...chain.stateDict().keys()]).toEqual(['0.weight', '2.weight']);
    expect([...(await chain.call(Tensor.from(gpu, [-1, 3])).data())]).toEqual([0, 6]);
  });
});
