/** Tensors that an op saves for its gradient, and gradients that enter a graph: every silent mistake is an error. */

import { describe, expect } from 'vitest';
import {
  add,
  backward,
  batchNorm2d,
  checkGradients,
  conv2d,
  elementwise,
  linear,
  maxPool2d,
  record,
  relu,
  Tensor,
} from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { defineKernel, launch } from '../../src/kernels/kernel.ts';
import { SGD } from '../../src/optim/sgd.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

function leaf(values: number[], shape = [values.length]): Tensor {
  const tensor = Tensor.from(gpu, Float32Array.from(values), shape);
  tensor.requiresGrad = true;
  return tensor;
}
const graphError = (message: string) =>
  expect.objectContaining({ name: 'GraphError', message: expect.stringContaining(message) });

describe('a tensor that was changed between forward and backward', () => {
  const double = defineKernel({
    name: 'test_double',
    bindings: { values: 'read_write' },
    uniforms: {},
    wgsl: `
      @group(0) @binding(0) var<storage, read_write> values: array<f32>;
      @compute @workgroup_size(1) fn main() { values[0] *= 2.0; }`,
  });
  const changes: Record<string, (tensor: Tensor) => void> = {
    'by set()': (tensor) => tensor.set(new Float32Array(tensor.size).fill(5)),
    'by a user’s kernel': (tensor) =>
      launch(gpu, double, { buffers: { values: tensor.buffer }, uniforms: {}, workgroups: [1, 1, 1] }),
    'by an optimizer': (tensor) => {
      tensor.grad = Tensor.zeros(gpu, tensor.shape);
      new SGD([tensor], { lr: 0.1 }).step();
    },
    'by Gpu.clear()': (tensor) => gpu.clear(tensor.buffer),
    'by Gpu.copy()': (tensor) => gpu.copy(Tensor.zeros(gpu, tensor.shape).buffer, tensor.buffer, 4 * tensor.size),
  };
  for (const [how, change] of Object.entries(changes)) {
    gpuTest(`${how} throws an error that names the op that saved it, the saved version and the current one`, () => {
      const x = leaf([1, 2, 3, 4], [1, 1, 2, 2]);
      const w = leaf([1], [1, 1, 1, 1]);
      const y = conv2d(x, w);
      const saved = w.storage.version;
      change(w);
      expect(() => backward(y, Tensor.from(gpu, new Float32Array(4).fill(1), y.shape))).toThrow(
        graphError(
          `conv2d saved weight at version ${saved} for its gradient, but it has changed since: it is at version ` +
            `${saved + 1}`,
        ),
      );
      expect(x.grad).toBeUndefined();
    });
  }

  const ops: Record<string, (x: Tensor, w: Tensor) => { readonly y: Tensor; readonly changed: Tensor }> = {
    'relu’s output': (x) => {
      const y = relu(x);
      return { y, changed: y };
    },
    'linear’s input': (x, w) => ({ y: linear(x.alias([1, 4]), w), changed: x }),
    'batchNorm2d’s weight': (x, w) => {
      const four = w.alias([4]);
      four.requiresGrad = true;
      const statistics = [Tensor.zeros(gpu, [4]), Tensor.from(gpu, new Float32Array(4).fill(1), [4])] as const;
      const y = batchNorm2d(x.alias([1, 4, 1, 1]), four, Tensor.zeros(gpu, [4]), ...statistics, { training: false });
      return { y, changed: w };
    },
  };
  for (const [what, op] of Object.entries(ops)) {
    gpuTest(`is seen in ${what}`, () => {
      const { y, changed } = op(leaf([1, 2, 3, 4], [1, 1, 2, 2]), leaf([1, 2, 3, 4], [1, 4]));
      changed.set(new Float32Array(changed.size).fill(9));
      expect(() => backward(y, Tensor.zeros(gpu, y.shape))).toThrow(graphError('changed since'));
    });
  }

  gpuTest('is allowed where backward does not read it', async () => {
    const [a, b] = [leaf([1]), leaf([2])];
    const y = add(a, b);
    a.set(Float32Array.of(7));
    backward(y);
    expect(await a.grad!.item()).toBe(1);
  });
});

describe('the backward of a user’s op', () => {
  const square = elementwise({ name: 'square', inputs: ['x'], wgsl: 'x * x' });
  const slope = elementwise({ name: 'slope', inputs: ['x', 'grad'], wgsl: '2.0 * x * grad' });

  gpuTest('must not read a tensor that the op did not save', () => {
    const op = (x: Tensor) =>
      record({ name: 'square', inputs: [x], output: square(x), backward: (grad) => [slope(x, grad)] });
    const y = op(leaf([3]));
    expect(() => backward(y)).toThrow(
      graphError('square: backward reads a tensor of shape [1] that the op did not save'),
    );
  });

  gpuTest('reads saved tensors, even if they were disposed, and tensors that it makes itself', async () => {
    const op = (x: Tensor) =>
      record({
        name: 'square',
        inputs: [x],
        output: square(x),
        saved: [x],
        backward: (grad) => [slope(x, add(grad, Tensor.zeros(gpu, grad.shape)))],
      });
    const x = leaf([3]);
    const y = op(add(x, x));
    expect((await checkGradients(op, [leaf([1, 2])])).worst).toBeLessThan(5e-3);
    backward(y);
    expect(await x.grad!.item()).toBe(24);
  });

  const wrong: Record<string, [gradient: (grad: Tensor) => unknown, message: string]> = {
    'another shape': [
      () => [Tensor.zeros(gpu, [5])],
      'odd: backward gave x a gradient of shape [5], but it must have [2, 2].',
    ],
    'as many elements in another shape': [
      (grad) => [grad.view([4])],
      'odd: backward gave x a gradient of shape [4], but it must have [2, 2].',
    ],
    'another type': [
      () => [Tensor.from(gpu, new Uint32Array(4), [2, 2])],
      'odd: backward gave x a gradient of type u32, but it must be f32.',
    ],
    'too many': [
      (grad) => [grad, grad],
      'odd: backward must return a list of gradients, one for each of its 1 inputs, got 2',
    ],
    'something other than a list': [
      (grad) => grad,
      'odd: backward must return a list of gradients, one for each of its 1 inputs, got type object',
    ],
    'something other than a tensor': [() => [7], 'odd: backward must return tensors, got type number for x.'],
    'a disposed one': [
      () => {
        const zeros = Tensor.zeros(gpu, [2, 2]);
        zeros.dispose();
        return [zeros];
      },
      'odd: the gradient of x [2, 2] was disposed',
    ],
  };
  for (const [what, [gradient, message]] of Object.entries(wrong)) {
    gpuTest(`is refused with ${what}`, () => {
      const x = leaf([1, 2, 3, 4], [2, 2]);
      const y = record({
        name: 'odd',
        inputs: { x },
        output: Tensor.zeros(gpu, [2, 2]),
        backward: gradient as () => Tensor[],
      });
      expect(() => backward(y, Tensor.zeros(gpu, [2, 2]))).toThrow(message);
      expect(x.grad).toBeUndefined();
    });
  }

  gpuTest('must have an output of its own', () => {
    const x = leaf([1]);
    expect(() => record({ name: 'same', inputs: [x], output: x, backward: (grad) => [grad] })).toThrow(
      graphError('same: the output must be a new tensor'),
    );
  });
});

describe('a gradient from the user', () => {
  gpuTest('for backward must have the shape of the result', async () => {
    const x = leaf([1, 2, 3, 4]);
    const y = relu(x);
    expect(() => backward(y, Tensor.from(gpu, Float32Array.of(1), [1]))).toThrow(
      'backward: seed must have shape [4], got [1].',
    );
    expect(() => backward(y, Tensor.from(gpu, new Float32Array(4), [2, 2]))).toThrow(
      'backward: seed must have shape [4], got [2, 2].',
    );
    expect(x.grad).toBeUndefined();
  });

  gpuTest('for a parameter must have its shape, type and device', async () => {
    const p = leaf([1, 2]);
    expect(() => Object.assign(p, { grad: Tensor.zeros(gpu, [1]) })).toThrow(
      'the gradient must have shape [2], got [1]',
    );
    expect(() => Object.assign(p, { grad: Tensor.from(gpu, new Uint32Array(2), [2]) })).toThrow('must hold f32 values');
    const other = await openGpu();
    expect(() => Object.assign(p, { grad: Tensor.zeros(other, [2]) })).toThrow('is on another device');
    other.close();
    p.grad = Tensor.from(gpu, Float32Array.of(1, 1), [2]);
    new SGD([p], { lr: 1 }).step();
    expect([...(await p.data())]).toEqual([0, 1]);
  });
});

describe('tensors of two devices', () => {
  gpuTest('are refused by every op, which names the tensor', async () => {
    const other = await openGpu();
    const here = (...shape: number[]) => Tensor.zeros(gpu, shape);
    const there = (...shape: number[]) => Tensor.zeros(other, shape);
    const calls: Record<string, () => unknown> = {
      'add: b [2]': () => add(here(2), there(2)),
      'conv2d: weight [1, 1, 1, 1]': () => conv2d(here(1, 1, 2, 2), there(1, 1, 1, 1)),
      'linear: bias [3]': () => linear(here(1, 2), here(3, 2), there(3)),
      'batchNorm2d: runningMean [1]': () =>
        batchNorm2d(here(1, 1, 2, 2), here(1), here(1), there(1), here(1), { training: true }),
      'sum: b [2]': () => elementwise({ name: 'sum', inputs: ['a', 'b'], wgsl: 'a + b' })(here(2), there(2)),
    };
    for (const [named, call] of Object.entries(calls)) {
      expect(call).toThrow(
        expect.objectContaining({
          name: 'DeviceMismatchError',
          message: expect.stringContaining(`${named} is on another device`),
        }),
      );
    }
    expect(maxPool2d(here(1, 1, 2, 2), { kernelSize: 2 }).shape).toEqual([1, 1, 1, 1]);
    other.close();
  });
});
