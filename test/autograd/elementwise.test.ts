/** Elementwise kernels made from one expression, and an op made of two such kernels. */
import { describe, expect, test } from 'vitest';
import { backward, checkGradients, elementwise, openGpu, record, ShapeError, Tensor } from '../../src/index.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';
import { untyped } from '../support/untyped.ts';

const { gpuTest, gpu } = await withGpu();

const forward = elementwise({ name: 'softplus', inputs: ['x'], wgsl: 'log(1.0 + exp(x))' });
const slope = elementwise({ name: 'softplus_backward', inputs: ['x', 'grad'], wgsl: 'grad / (1.0 + exp(-x))' });

function softplus(x: Tensor, backward = slope): Tensor {
  const output = forward(x);
  return record({ name: 'softplus', inputs: [x], output, saved: [x], backward: (grad) => [backward(x, grad)] });
}

const tensor = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  Tensor.from(gpu, Float32Array.from(values), shape);

describe('elementwise', () => {
  gpuTest('computes every element, with less than one workgroup and with several', async () => {
    for (const count of [1, 511, 512, 513, 5000]) {
      const values = Array.from({ length: count }, (_, i) => Math.sin(i) * 3);
      const result = forward(tensor(values));
      // exp and log may each be off by a few ulps, and log(1 + e) loses digits where e is small.
      expectClose(
        'softplus',
        await result.data(),
        values.map((x) => Math.log1p(Math.exp(x))),
        { atol: 1e-6, rtol: 1e-6 },
      );
    }
  });

  gpuTest('takes several inputs in their order, and keeps their shape', async () => {
    const weighted = elementwise({ name: 'weighted', inputs: ['a', 'b', 'c'], wgsl: 'a + 10.0 * b + 100.0 * c' });
    const result = weighted(tensor([1, 2, 3, 4], [2, 2]), tensor([5, 6, 7, 8], [2, 2]), tensor([1, 1, 2, 2], [2, 2]));
    expect(result.shape).toEqual([2, 2]);
    expect([...(await result.data())]).toEqual([151, 162, 273, 284]);
  });

  gpuTest('is an op where it has gradients, and takes numbers and parameters', async () => {
    const op = elementwise({
      ...{ name: 'scaled', inputs: ['a', 'b'], wgsl: 'factor * a * b', parameters: { factor: 2 } },
      gradients: { a: 'factor * grad * b', b: 'factor * grad * a' },
    });
    const [a, b] = [tensor([1, 2, 3, 4, 5, 6], [2, 3]), tensor([1, -1], [2, 1])];
    for (const one of [a, b]) one.requiresGrad = true;
    expect([...(await op(a, b, 10).data())]).toEqual([10, 20, 30, -40, -50, -60]);
    expect([...(await op(0.5, b).data())]).toEqual([1, -1]);
    await checkGradients((x, y) => op(x!, y!), [a, b]);
    expect(() => elementwise({ name: 'bad', inputs: ['y'], wgsl: 'y', gradients: { y: 'grad' } })).toThrow(
      'no word of WGSL, not y, not grad, got y.',
    );
    expect(() => elementwise({ name: 'bad', inputs: ['a', 'b'], wgsl: 'a', gradients: { a: 'grad' } })).toThrow(
      "bad: gradients lacks b. Give its expression; '0.0' if no gradient flows to it.",
    );
    expect(() => elementwise(untyped({ name: 'bad', inputs: ['x'], wgsl: 'x', gradient: { x: 'grad' } }))).toThrow(
      'elementwise: option gradient is not implemented.',
    );
    const half = elementwise({ name: 'half', inputs: ['a', 'b'], wgsl: 'a + b', gradients: { a: 'grad', b: '0.0' } });
    a.zeroGrad();
    b.zeroGrad();
    backward(half(a, b), 1);
    expect([await a.grad!.data(), await b.grad!.data()]).toEqual([new Float32Array(6).fill(1), new Float32Array(2)]);
    expect(() => elementwise({ name: 'bad', inputs: ['x'], wgsl: 'x', gradients: { z: 'grad' } })).toThrow(
      'bad: has no input z to give a gradient.',
    );
  });

  gpuTest('an op made of two agrees with finite differences, and one with a wrong slope does not', async () => {
    const x = tensor([-3, -1, 0.5, 2]);
    x.requiresGrad = true;
    expect((await checkGradients((input) => softplus(input), [x])).worst).toBeLessThan(5e-3);
    const wrong = elementwise({ name: 'wrong', inputs: ['x', 'grad'], wgsl: 'grad / (1.0 + exp(x))' });
    await expect(checkGradients((input) => softplus(input, wrong), [x])).rejects.toThrow('Gradient of input 0');
  });

  gpuTest('refuses tensors that do not match', () => {
    const sum = elementwise({ name: 'sum', inputs: ['a', 'b'], wgsl: 'a + b' });
    expect(() => sum(tensor([1]))).toThrow(new ShapeError('sum: takes 2 values (a, b), got 1.'));
    expect(() => sum(tensor([1, 2, 3]), tensor([1, 2]))).toThrow('sum: a [3] and b [2] do not fit.');
    const labels = Tensor.from(gpu, Uint32Array.of(1), [1]);
    expect(() => sum(tensor([1]), untyped(labels))).toThrow('sum: b must hold f32 values, got u32.');
  });

  test('refuses invalid inputs', () => {
    const make =
      (...inputs: string[]) =>
      () =>
        elementwise({ name: 'bad', inputs, wgsl: '0.0' });
    expect(make()).toThrow('bad: takes 1 to 7 inputs, got 0.');
    expect(make(...'abcdefgh')).toThrow('got 8.');
    expect(make('a', 'a')).toThrow('bad: inputs must have different names, each a letter and then');
    expect(make('a b')).toThrow('got a b.');
    expect(make(...'abcdefg')).not.toThrow();
  });

  gpuTest('an expression that does not compile throws a GpuError that shows it', async () => {
    const own = await openGpu();
    try {
      const bad = elementwise({ name: 'bad', inputs: ['x'], wgsl: 'sine(x)' });
      const result = bad(Tensor.zeros(own, [3]));
      await expect(result.data()).rejects.toThrow(/unresolved call target 'sine'[\s\S]*return sine\(x\)/);
    } finally {
      own.close();
    }
  });
});
