/** What a listener hears of ops. */
import { expect } from 'vitest';
import { batchNorm2d, noGrad, record, Tensor, where } from '../../src/autograd/index.ts';
import { isTracing, type Operation, traceOps } from '../../src/autograd/tracing.ts';
import { BatchNorm2d, Conv2d, pipe } from '../../src/nn/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { withGpu } from '../support/gpu.ts';

const { gpu, gpuTest } = await withGpu();

function heard(fn: () => unknown): Operation[] {
  const operations: Operation[] = [];
  traceOps((operation) => void operations.push(operation), fn);
  return operations;
}

gpuTest('operands come by name and in order, numbers and masks among them', () => {
  const [x, mask] = [Tensor.zeros(gpu, [2]), Tensor.from(gpu, Uint32Array.of(1, 0))];
  const [chosen, clamped] = heard(() => [where(mask, 2, x), x.clamp(0)]);
  expect(chosen!.name).toBe('where');
  expect(Object.entries(chosen!.inputs)).toEqual([
    ['condition', mask],
    ['a', 2],
    ['b', x],
  ]);
  expect(clamped).toMatchObject({ name: 'clamp', options: { min: 0, max: Number.POSITIVE_INFINITY } });
});

gpuTest('what has no gradient is named too', () => {
  const [images, one] = [Tensor.zeros(gpu, [1, 1, 2, 2]), Tensor.from(gpu, [1])];
  const [operation] = heard(() => batchNorm2d(images, one, one, one, one, { training: false, relu: true }));
  expect(Object.keys(operation!.inputs).sort()).toEqual(['bias', 'input', 'runningMean', 'runningVar', 'weight']);
  expect(operation!.options).toEqual({ training: false, eps: 1e-5, relu: true });
});

gpuTest('a convolution and its batch norm are heard one by one', () => {
  const random = new Generator(0);
  const conv = new Conv2d(gpu, 1, 2, { kernelSize: 1, bias: false, random });
  const norm = new BatchNorm2d(gpu, 2).eval();
  const images = Tensor.zeros(gpu, [1, 1, 2, 2]);
  const run = () => noGrad(() => pipe(images, conv, norm));
  expect(heard(run).map(({ name }) => name)).toEqual(['conv2d', 'batchNorm2d']);
});

gpuTest('an op of a user without options has none; the listener is gone afterwards, also after an error', () => {
  const x = Tensor.zeros(gpu, [2]);
  const own = () => record({ name: 'own', inputs: [x], output: Tensor.zeros(gpu, [2]), backward: (grad) => [grad] });
  expect(heard(own)).toMatchObject([{ name: 'own', options: undefined }]);
  expect(() =>
    heard(() => {
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(isTracing()).toBe(false);
  expect(() => heard(async () => {})).toThrow(TypeError);
});
