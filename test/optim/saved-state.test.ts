/** Saved optimizers, schedules and generators go on to the bits of those that never stopped, and refuse the wrong state. */

import { describe, expect, test } from 'vitest';
import { OptionError, Tensor } from '../../src/autograd/index.ts';
import { readState, StateDictError } from '../../src/nn/index.ts';
import { Adam, AdamW, type Optimizer, type OptimizerState, SGD, StepLR } from '../../src/optim/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

const SHAPES = [[5], [2, 3], [1]];
const OPTIONS = { lr: 0.1, momentum: 0.9, dampening: 0.1, weightDecay: 0.01 };

function parametersOf(seed: number): Tensor[] {
  const random = new Generator(seed);
  return SHAPES.map((shape) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const parameter = Tensor.from(gpu, random.fillNormal(new Float32Array(size), 0, 1), shape) as Tensor;
    parameter.requiresGrad = true;
    return parameter;
  });
}

/** Steps with gradients that depend on the step alone; the last parameter gets its first in step 2. */
function steps(optimizer: Optimizer, parameters: readonly Tensor[], from: number, to: number): void {
  for (let step = from; step < to; step++) {
    const random = new Generator(100 + step);
    for (const [i, parameter] of parameters.entries()) {
      if (i === 2 && step < 2) continue;
      parameter.grad = Tensor.from(
        gpu,
        random.fillNormal(new Float32Array(parameter.size), 0, 1),
        parameter.shape,
      ) as Tensor;
    }
    optimizer.step();
    optimizer.zeroGrad();
  }
}

/** The state as a file holds it. */
async function onHost({ values, tensors }: OptimizerState) {
  return { values: JSON.parse(JSON.stringify(values)), tensors: await readState(tensors) };
}

describe('SGD', () => {
  for (const at of [0, 1, 3]) {
    gpuTest(`goes on after ${at} steps`, async () => {
      const [whole, first] = [parametersOf(1), parametersOf(1)];
      const undisturbed = new SGD(whole, OPTIONS);
      steps(undisturbed, whole, 0, 6);
      const before = new SGD(first, OPTIONS);
      steps(before, first, 0, at);
      const state = await onHost(before.stateDict());
      expect([...state.tensors.keys()]).toEqual(
        [0, 1, ...(at > 2 ? [2] : [])].slice(0, at === 0 ? 0 : 3).map((i) => `${i}.momentum_buffer`),
      );
      // With other settings, which those of the state replace.
      const after = new SGD(first, { lr: 5, momentum: 0.5 });
      after.loadStateDict(state);
      expect(after).toMatchObject(OPTIONS);
      steps(after, first, at, 6);
      for (const [i, parameter] of first.entries()) expect(await parameter.data()).toEqual(await whole[i]!.data());
      for (const one of [undisturbed, before, after]) one.dispose();
    });
  }

  gpuTest('refuses a state that is not its own, and stays as it was', async () => {
    const parameters = parametersOf(1);
    const optimizer = new SGD(parameters, OPTIONS);
    steps(optimizer, parameters, 0, 3);
    const state = await onHost(optimizer.stateDict());
    const before = gpu.pool.liveBytes;
    const wrong =
      (values: object, tensors = state.tensors) =>
      () =>
        optimizer.loadStateDict({ values: { ...state.values, ...values }, tensors });
    expect(wrong({ type: 'Adam' })).toThrow('SGD: expected the state of SGD, got that of Adam.');
    expect(wrong({ parameters: 2 })).toThrow('SGD: the saved state is of 2 parameters, this optimizer has 3.');
    expect(wrong({ momentum: 'much' })).toThrow('SGD, saved state: momentum must be a finite number');
    expect(wrong({ lr: -1 })).toThrow(OptionError);
    const other = new Map(state.tensors).set('1.momentum_buffer', { ...state.tensors.get('0.momentum_buffer')! });
    expect(wrong({}, other)).toThrow(StateDictError);
    const unknown = new Map(state.tensors).set('7.momentum_buffer', { ...state.tensors.get('0.momentum_buffer')! });
    expect(wrong({}, unknown)).toThrow('unexpected: 7.momentum_buffer');
    expect(gpu.pool.liveBytes).toBe(before);
    expect(await onHost(optimizer.stateDict())).toEqual(state);
    optimizer.dispose();
  });
});

describe.each([
  ['Adam', Adam],
  ['AdamW', AdamW],
] as const)('%s', (type, Class) => {
  const options = { lr: 0.1, betas: [0.8, 0.9], eps: 1e-3, weightDecay: 0.2 } as const;

  for (const at of [0, 1, 3]) {
    gpuTest(`goes on after ${at} steps, in two groups`, async () => {
      const build = (seed: number, lr: number) => {
        const parameters = parametersOf(seed);
        const groups = [{ parameters: parameters.slice(0, 1), lr }, { parameters: parameters.slice(1) }];
        return { parameters, optimizer: new Class(groups, lr === 0.3 ? options : {}) };
      };
      const [undisturbed, before, after] = [build(1, 0.3), build(1, 0.3), build(2, 7)];
      steps(undisturbed.optimizer, undisturbed.parameters, 0, 6);
      steps(before.optimizer, before.parameters, 0, at);
      const state = await onHost(before.optimizer.stateDict());
      expect(state.values.steps).toEqual([at, at, Math.max(0, at - 2)]);
      after.optimizer.loadStateDict(state);
      expect(after.optimizer.groups).toMatchObject([{ ...options, lr: 0.3 }, options]);
      for (const [i, parameter] of after.parameters.entries()) parameter.set(await before.parameters[i]!.data());
      steps(after.optimizer, after.parameters, at, 6);
      for (const [i, parameter] of after.parameters.entries()) {
        expect(await parameter.data()).toEqual(await undisturbed.parameters[i]!.data());
      }
      for (const { optimizer } of [undisturbed, before, after]) optimizer.dispose();
    });
  }

  gpuTest('refuses a state that is not its own, and stays as it was', async () => {
    const parameters = parametersOf(1);
    const optimizer = new Class(parameters, options);
    steps(optimizer, parameters, 0, 2);
    const state = await onHost(optimizer.stateDict());
    expect([...state.tensors.keys()]).toEqual(['0.exp_avg', '0.exp_avg_sq', '1.exp_avg', '1.exp_avg_sq']);
    const before = gpu.pool.liveBytes;
    const wrong =
      (values: object, tensors = state.tensors) =>
      () =>
        optimizer.loadStateDict({ values: { ...state.values, ...values }, tensors });
    expect(wrong({ type: 'SGD' })).toThrow(`${type}: expected the state of ${type}, got that of SGD.`);
    expect(wrong({ steps: [1, 2] })).toThrow(`${type}: the saved state must have 3 counts of steps, got 1,2.`);
    expect(wrong({ steps: [1, 2, -1] })).toThrow(`${type}: the saved state must have a count 2, got -1.`);
    expect(wrong({ betas: [1, 1] })).toThrow(`${type}, saved state: betas must be two numbers`);
    // A parameter that has made steps has averages, and no other.
    expect(wrong({ steps: [2, 2, 1] })).toThrow('missing: 2.exp_avg [1]');
    expect(wrong({ steps: [2, 0, 0] })).toThrow('unexpected: 1.exp_avg [2, 3]');
    expect(gpu.pool.liveBytes).toBe(before);
    expect(await onHost(optimizer.stateDict())).toEqual(state);
    optimizer.dispose();
  });
});

describe('StepLR', () => {
  test('goes on', () => {
    const [whole, stopped] = [{ lr: 1 }, { lr: 1 }];
    const undisturbed = new StepLR(whole, { stepSize: 3 });
    const before = new StepLR(stopped, { stepSize: 3 });
    for (let i = 0; i < 4; i++) before.step();
    const after = new StepLR(stopped, { stepSize: 100, gamma: 0.5 });
    after.loadStateDict(JSON.parse(JSON.stringify(before.stateDict())));
    for (let i = 0; i < 5; i++) after.step();
    for (let i = 0; i < 9; i++) undisturbed.step();
    expect(stopped).toEqual(whole);
    expect(after.epoch).toBe(9);
  });

  test('refuses a state that is not its own', () => {
    const schedule = new StepLR({ lr: 1 }, { stepSize: 3 });
    const state = schedule.stateDict();
    expect(() => schedule.loadStateDict({ ...state, type: 'CosineLR' })).toThrow('expected the state of StepLR');
    expect(() => schedule.loadStateDict({ ...state, stepSize: 0 })).toThrow(OptionError);
    expect(() => schedule.loadStateDict({ ...state, epoch: 1.5 })).toThrow(OptionError);
  });
});

describe('Generator', () => {
  test('goes on from any place, with the normal that is left over', () => {
    for (const draws of [0, 1, 623, 624, 1000]) {
      const generator = new Generator(7);
      generator.skip(draws);
      generator.fillNormal(new Float32Array(3), 0, 1);
      const other = new Generator(1).loadStateDict(JSON.parse(JSON.stringify(generator.stateDict())));
      const values = (one: Generator) => [
        ...one.fillNormal(new Float32Array(5), 0, 1),
        ...Array.from({ length: 700 }, () => one.u32()),
        one.drawn,
      ];
      expect(values(other)).toEqual(values(generator));
    }
  });

  test('refuses what is no state', () => {
    const state = new Generator(7).stateDict();
    for (const wrong of [
      { words: 'AAAA' },
      { words: 3 },
      { next: 625 },
      { next: -1 },
      { drawn: 0.5 },
      { cachedNormal: 'x' },
    ]) {
      const load = () => new Generator().loadStateDict({ ...state, ...wrong } as never);
      expect(load).toThrow('Generator: expected the state that stateDict() gave');
    }
  });
});
