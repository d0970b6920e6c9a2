/** Groups of parameters: their settings, what they refuse, and their saved states. */
import { describe, expect } from 'vitest';
import { OptionError } from '../../src/autograd/errors.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { readState } from '../../src/nn/index.ts';
import { type OptimizerState, SGD, StepLR } from '../../src/optim/index.ts';
import { withGpu } from '../support/gpu.ts';
import { untyped } from '../support/untyped.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

/** A parameter of 1 whose gradient is 1. */
function moving(): Tensor {
  const parameter = Tensor.from(gpu, [1], [1]);
  parameter.grad = Tensor.from(gpu, [1], [1]);
  return parameter;
}

async function onHost({ values, tensors }: OptimizerState) {
  return { values: JSON.parse(JSON.stringify(values)), tensors: await readState(tensors) };
}

describe('groups', () => {
  gpuTest('have settings of their own, and those of the optimizer where they have none', async () => {
    const [a, b, c] = [moving(), moving(), moving()];
    const optimizer = new SGD(
      [
        { parameters: [a], lr: 0.5 },
        { parameters: [b, c], weightDecay: 1 },
      ],
      { lr: 0.25 },
    );
    expect(optimizer.groups).toEqual([
      { parameters: [a], lr: 0.5, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false },
      { parameters: [b, c], lr: 0.25, momentum: 0, dampening: 0, weightDecay: 1, nesterov: false },
    ]);
    optimizer.step();
    expect(await Promise.all([a, b, c].map((one) => one.item()))).toEqual([0.5, 0.5, 0.5]);
    optimizer.groups[1]!.lr = 0;
    optimizer.step();
    expect(await Promise.all([a, b, c].map((one) => one.item()))).toEqual([0, 0.5, 0.5]);
    optimizer.zeroGrad();
    expect([a.grad, c.grad]).toEqual([undefined, undefined]);
  });

  gpuTest('share a setting through the optimizer, which does not tell one where they differ', () => {
    const optimizer = new SGD([{ parameters: [moving()], lr: 0.5 }, { parameters: [moving()] }], { lr: 0.25 });
    expect(() => optimizer.lr).toThrow(OptionError);
    expect(() => optimizer.lr).toThrow('SGD: the groups have different values of lr: 0.5, 0.25. Read groups[i].lr.');
    expect(optimizer.momentum).toBe(0);
    optimizer.lr = 0.125;
    expect(optimizer.groups.map(({ lr }) => lr)).toEqual([0.125, 0.125]);
    expect(optimizer.lr).toBe(0.125);
  });

  gpuTest('that are invalid are refused by name', async () => {
    const refuses = (groups: unknown, message: string) => {
      const build = () => new SGD(untyped(groups), { lr: 0.1 });
      expect(build).toThrow(OptionError);
      expect(build).toThrow(message);
    };
    const [a, b] = [moving(), moving()];
    refuses([{ parameters: [a, b] }, { parameters: [b] }], 'SGD: a parameter was given twice');
    refuses([{ parameters: [a] }, { parameters: [] }], 'SGD, group 1: parameters must hold a tensor or more');
    refuses([{ parameters: [a] }, { parameters: [b], lr: -1 }], 'SGD, group 1: lr must be a finite number');
    refuses([{ parameters: [a] }, { parameters: [b], nesterov: true }], 'SGD, group 1: nesterov needs a momentum');
    refuses([{ parameters: [a], decay: 1 }], 'SGD, group 0: option decay is not implemented');
    refuses([{ parameters: [a] }, b], 'parameters must be tensors, or groups { parameters, lr, … }');
    refuses([{ parameters: [a, 3] }], 'SGD, group 0: parameters must be tensors, got 3 as item 1.');
    refuses([{ parameters: () => [a] }], 'SGD, group 0: parameters must be a list, such as that of model.parameters()');
    refuses(undefined, 'SGD: parameters must be a list, such as that of model.parameters(), got undefined.');

    const optimizer = new SGD([{ parameters: [a] }, { parameters: [b] }], { lr: 0.1 });
    optimizer.groups[1]!.momentum = Number.NaN;
    expect(() => optimizer.step()).toThrow('SGD, group 1: momentum must be a finite number of at least 0, got NaN.');
    expect(await a.item()).toBe(1);
    expect(() => Object.assign(optimizer.groups[0]!, { weight_decay: 1 })).toThrow(TypeError);
    b.dispose();
    optimizer.groups[1]!.momentum = 0;
    expect(() => optimizer.step()).toThrow('SGD: parameter 1');
    expect(await a.item()).toBe(1);
  });
});

describe('a saved state', () => {
  gpuTest('of one group has the form that it had before there were groups', async () => {
    const parameters = [moving(), moving()];
    const optimizer = new SGD(parameters, { lr: 0.1, momentum: 0.9 });
    optimizer.step();
    const { values, tensors } = await onHost(optimizer.stateDict());
    const settings = { lr: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false };
    expect(values).toEqual({ type: 'SGD', ...settings, parameters: 2 });
    expect([...tensors.keys()]).toEqual(['0.momentum_buffer', '1.momentum_buffer']);
    const other = new SGD([{ parameters }], { lr: 1 });
    other.loadStateDict({ values, tensors });
    expect(other).toMatchObject(settings);
  });

  gpuTest('of several groups goes on, and fits only groups of the same sizes', async () => {
    const build = (lr: number) => {
      const parameters = [moving(), moving(), moving()];
      const groups = [{ parameters: parameters.slice(0, 1), lr: 2 * lr }, { parameters: parameters.slice(1) }];
      return { parameters, optimizer: new SGD(groups, { lr, momentum: 0.9 }) };
    };
    const [whole, stopped, after] = [build(0.1), build(0.1), build(7)];
    for (let i = 0; i < 4; i++) whole.optimizer.step();
    for (let i = 0; i < 2; i++) stopped.optimizer.step();
    const state = await onHost(stopped.optimizer.stateDict());
    expect(state.values.groups.map(({ lr, parameters }: never) => [lr, parameters])).toEqual([
      [0.2, 1],
      [0.1, 2],
    ]);
    after.optimizer.loadStateDict(state);
    for (const [i, parameter] of after.parameters.entries()) parameter.set(await stopped.parameters[i]!.data());
    for (let i = 0; i < 2; i++) after.optimizer.step();
    for (const [i, one] of after.parameters.entries())
      expect(await one.data()).toEqual(await whole.parameters[i]!.data());

    const one = new SGD(after.parameters, { lr: 3 });
    expect(() => one.loadStateDict(state)).toThrow('SGD: the saved state is of 2 groups, this optimizer has 1.');
    const [a, b, c] = after.parameters;
    const other = new SGD([{ parameters: [a!, b!] }, { parameters: [c!] }], { lr: 3 });
    expect(() => other.loadStateDict(state)).toThrow(
      'SGD, group 0: the saved group is of 1 parameters, this one has 2.',
    );
    expect(other.lr).toBe(3);
  });
});

gpuTest('StepLR changes every group', () => {
  const optimizer = new SGD([{ parameters: [moving()], lr: 1 }, { parameters: [moving()] }], { lr: 0.5 });
  const schedule = new StepLR(optimizer, { stepSize: 2, gamma: 0.5 });
  schedule.step();
  schedule.step();
  expect(optimizer.groups.map(({ lr }) => lr)).toEqual([0.5, 0.25]);
  expect(() => {
    schedule.stepSize = 0;
  }).toThrow('StepLR: stepSize must be a whole number');
});
