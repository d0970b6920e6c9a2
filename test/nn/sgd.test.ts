import { describe, expect } from 'vitest';
import { Tensor } from '../../src/autograd/tensor.ts';
import { SGD, type SGDOptions } from '../../src/nn/sgd.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';
import { type Dense, golden, upload } from './support.ts';

interface Golden {
  start: Dense[];
  rates: number[];
  grads: (number[] | null)[][];
  runs: { options: Record<string, number | boolean>; steps: number[][][] }[];
}

const { gpuTest, gpu } = await withGpu();

describe('like torch.optim.SGD', () => {
  const { start, rates, grads, runs } = golden<Golden>('sgd');

  for (const { options, steps } of runs)
    gpuTest(`with ${JSON.stringify(options)}`, async () => {
      const { weight_decay: weightDecay, ...same } = options as Record<string, number>;
      const parameters = start.map((value) => upload(gpu, value));
      const optimizer = new SGD(parameters, { lr: rates[0]!, ...same, ...(weightDecay ? { weightDecay } : {}) });
      for (const [step, stepGrads] of grads.entries()) {
        optimizer.lr = rates[step]!;
        optimizer.zeroGrad();
        stepGrads.forEach((grad, i) => {
          if (grad) parameters[i]!.grad = upload(gpu, { shape: start[i]!.shape, data: grad });
        });
        optimizer.step();
        for (const [i, parameter] of parameters.entries()) {
          // Both sides round each of the few operations of a step; steps add up.
          const tolerance = { atol: 1e-6, rtol: 1e-6 };
          expectClose(`step ${step}, parameter ${i}`, await parameter.data(), steps[step]![i]!, tolerance);
        }
      }
      optimizer.dispose();
      for (const parameter of parameters) parameter.dispose();
    });
});

describe('what a step touches', () => {
  const filled = (value: number) => Tensor.from(gpu, Float32Array.of(value), [1]);

  gpuTest('a parameter without gradient stays, with a gradient of zero it decays', async () => {
    const [idle, decaying] = [filled(1), filled(1)];
    decaying.grad = Tensor.zeros(gpu, [1]);
    const versions = [idle.storage.version, decaying.storage.version];
    new SGD([idle, decaying], { lr: 0.5, weightDecay: 0.5 }).step();
    expect(await idle.item()).toBe(1);
    expect(await decaying.item()).toBe(0.75);
    expect([idle.storage.version, decaying.storage.version]).toEqual([versions[0], versions[1]! + 1]);
  });

  gpuTest('momentum takes memory only for parameters that have moved, and dispose gives it back', () => {
    const before = gpu.pool.liveBytes;
    const parameters = [filled(1), filled(2)];
    parameters[0]!.grad = filled(3);
    const held = gpu.pool.liveBytes;
    const one = (held - before) / 3;
    const optimizer = new SGD(parameters, { lr: 1, momentum: 0.9 });
    optimizer.step();
    optimizer.step();
    expect(gpu.pool.liveBytes - held).toBe(one);
    optimizer.dispose();
    optimizer.zeroGrad();
    expect(parameters[0]!.grad).toBeUndefined();
    for (const parameter of parameters) parameter.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });
});

describe('what is refused', () => {
  const refused: [SGDOptions, RegExp][] = [
    [{ lr: -1 }, /lr of at least 0, got -1/],
    [{ lr: Number.NaN }, /lr of at least 0/],
    [{ lr: 1, momentum: -0.1 }, /momentum of at least 0/],
    [{ lr: 1, weightDecay: -0.1 }, /weightDecay of at least 0/],
    [{ lr: 1, nesterov: true }, /Nesterov/],
    [{ lr: 1, nesterov: true, momentum: 0.9, dampening: 0.1 }, /Nesterov/],
  ];
  for (const [options, message] of refused)
    gpuTest(JSON.stringify(options), () => {
      const parameter = Tensor.zeros(gpu, [1]);
      expect(() => new SGD([parameter], options)).toThrow(message);
      parameter.dispose();
    });

  gpuTest('no parameter, and one given twice', () => {
    const parameter = Tensor.zeros(gpu, [1]);
    expect(() => new SGD([], { lr: 1 })).toThrow(/at least one parameter/);
    expect(() => new SGD([parameter, parameter], { lr: 1 })).toThrow(/twice/);
    parameter.dispose();
  });
});
