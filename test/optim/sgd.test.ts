/** SGD against torch.optim.SGD, its memory, and the options and parameters that it refuses. */
import { describe, expect } from 'vitest';
import { OptionError } from '../../src/autograd/errors.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { SGD, type SGDOptions } from '../../src/optim/sgd.ts';
import { type Dense, upload } from '../nn/support.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';
import { untyped } from '../support/untyped.ts';
import { golden } from './support.ts';

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
          // Both sides round each of the few operations of a step, and the errors of the steps add up.
          const tolerance = { atol: 1e-6, rtol: 1e-6 };
          expectClose(`step ${step}, parameter ${i}`, await parameter.data(), steps[step]![i]!, tolerance);
        }
      }
      optimizer.dispose();
      for (const parameter of parameters) parameter.dispose();
    });
});

describe('a step', () => {
  const filled = (value: number) => Tensor.from(gpu, Float32Array.of(value), [1]);

  gpuTest('leaves a parameter without a gradient alone, and decays one with a gradient of zero', async () => {
    const [idle, decaying] = [filled(1), filled(1)];
    decaying.grad = Tensor.zeros(gpu, [1]);
    const versions = [idle.storage.version, decaying.storage.version];
    new SGD([idle, decaying], { lr: 0.5, weightDecay: 0.5 }).step();
    expect(await idle.item()).toBe(1);
    expect(await decaying.item()).toBe(0.75);
    expect([idle.storage.version, decaying.storage.version]).toEqual([versions[0], versions[1]! + 1]);
  });

  gpuTest('with momentum takes memory only for parameters that have moved, and dispose frees it', () => {
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

describe('SGD refuses', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  const build = (options: object) => () => {
    const parameter = Tensor.zeros(gpu, [1]);
    try {
      new SGD([parameter], options as SGDOptions);
    } finally {
      parameter.dispose();
    }
  };
  const refuses = (options: object, message: string) => {
    expect(build(options)).toThrow(OptionError);
    expect(build(options)).toThrow(message);
  };

  for (const name of ['lr', 'momentum', 'dampening', 'weightDecay']) {
    // 1e39 is infinite in float32, and torch refuses it too.
    for (const value of [-1, nan, infinity, -infinity, 1e39, null, '0.1']) {
      gpuTest(`${name} ${value}`, () => {
        const shown = typeof value === 'string' ? '"0.1"' : value;
        const message = `SGD: ${name} must be a finite number of at least 0, got ${shown}.`;
        refuses({ lr: 1, momentum: 0.9, [name]: value }, message);
      });
    }
  }

  for (const [options, found] of [
    [{ nesterov: true }, 'momentum 0, dampening 0'],
    [{ nesterov: true, momentum: 0.9, dampening: 0.1 }, 'momentum 0.9, dampening 0.1'],
  ] as const) {
    gpuTest(`nesterov with ${found}`, () => {
      const needs = 'SGD: nesterov needs a momentum above 0 and no dampening, got';
      refuses({ lr: 1, ...options }, `${needs} ${found}.`);
    });
  }

  gpuTest('nesterov that is neither true nor false, options that would be ignored, and missing options', () => {
    refuses({ lr: 1, momentum: 0.9, nesterov: 1 }, 'SGD: nesterov must be true or false, got 1.');
    refuses({ lr: 1, maximize: true }, 'SGD: option maximize is not implemented. Leave it out; the options are lr,');
    refuses(undefined as unknown as object, 'SGD: options must be an object with lr, momentum, dampening,');
    refuses({}, 'SGD: lr must be a finite number of at least 0, got undefined.');
  });

  gpuTest('an empty list of parameters, a parameter given twice, and one that is not f32', () => {
    const parameter = Tensor.zeros(gpu, [1]);
    const labels = Tensor.from(gpu, Uint32Array.of(1), [1]);
    expect(() => new SGD([], { lr: 1 })).toThrow('SGD: parameters must hold a tensor or more, got none.');
    expect(() => new SGD([parameter, parameter], { lr: 1 })).toThrow(/twice/);
    expect(() => new SGD([parameter, untyped<Tensor>(labels)], { lr: 1 })).toThrow(
      'SGD: parameter 1 must hold f32 values, got u32.',
    );
    parameter.dispose();
    labels.dispose();
  });

  gpuTest('at the next step, an lr that was set to an invalid value, before anything moves', async () => {
    const parameter = Tensor.from(gpu, Float32Array.of(1), [1]);
    parameter.grad = Tensor.from(gpu, Float32Array.of(1), [1]);
    const optimizer = new SGD([parameter], { lr: 0.5, momentum: 0.9 });
    for (const value of [nan, infinity, -0.5, null, undefined]) {
      optimizer.lr = value as number;
      expect(() => optimizer.step()).toThrow(`SGD: lr must be a finite number of at least 0, got ${value}.`);
    }
    optimizer.lr = 0.5;
    optimizer.step();
    // This counts as the first step, because the failed steps left no trace.
    expect(await parameter.item()).toBe(0.5);
    optimizer.dispose();
    parameter.dispose();
  });
});
