/** StepLR against torch's, and the options that it refuses. */
import { expect, test } from 'vitest';
import { OptionError } from '../../src/autograd/errors.ts';
import { StepLR, type StepLROptions } from '../../src/optim/step-lr.ts';
import { golden } from './support.ts';

const runs = Object.entries(golden<Record<string, number[]>>('step-lr'));

test.each(runs)('lr, step size, gamma %s: equals torch’s bit for bit', (name, expected) => {
  const [lr, stepSize, gamma] = name.split(' ').map(Number) as [number, number, number];
  const optimizer = { lr };
  const schedule = new StepLR(optimizer, { stepSize, gamma });
  const rates = expected.map(() => {
    const rate = optimizer.lr;
    schedule.step();
    return rate;
  });
  expect(rates).toEqual(expected);
  expect(schedule.epoch).toBe(expected.length);
});

test('the next decay starts from a rate that the user changed', () => {
  const optimizer = { lr: 1 };
  const schedule = new StepLR(optimizer, { stepSize: 2 });
  schedule.step();
  optimizer.lr = 0.5;
  schedule.step();
  expect(optimizer.lr).toBe(0.05);
});

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

test.each([0, -1, 1.5, nan, infinity, null, undefined, '7'])('step size %o is refused', (stepSize) => {
  const build = () => new StepLR({ lr: 1 }, { stepSize: stepSize as number });
  expect(build).toThrow(OptionError);
  expect(build).toThrow(/^StepLR: stepSize must be a whole number of at least 1, got /);
});

test.each([-0.1, nan, infinity, null, 1e39])('gamma %o is refused', (gamma) => {
  const build = () => new StepLR({ lr: 1 }, { stepSize: 1, gamma: gamma as number });
  expect(build).toThrow(OptionError);
  expect(build).toThrow(/^StepLR: gamma must be a finite number of at least 0, got /);
});

test('an option that would be ignored is refused, and so are missing options', () => {
  expect(() => new StepLR({ lr: 1 }, { stepSize: 1, lastEpoch: 3 } as StepLROptions)).toThrow(
    'StepLR: option lastEpoch is not implemented. Leave it out; the options are stepSize, gamma.',
  );
  expect(() => new StepLR({ lr: 1 }, undefined as unknown as StepLROptions)).toThrow(
    'StepLR: options must be an object with stepSize, gamma, got undefined.',
  );
});
