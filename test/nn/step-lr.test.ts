import { expect, test } from 'vitest';
import { StepLR } from '../../src/nn/step-lr.ts';
import { golden } from './support.ts';

const runs = Object.entries(golden<Record<string, number[]>>('step-lr'));

test.each(runs)('lr, step size, gamma %s: to the last bit what torch has', (name, expected) => {
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

test('a rate that was changed by hand is what falls next', () => {
  const optimizer = { lr: 1 };
  const schedule = new StepLR(optimizer, { stepSize: 2 });
  schedule.step();
  optimizer.lr = 0.5;
  schedule.step();
  expect(optimizer.lr).toBe(0.05);
});

test.each([0, -1, 1.5, Number.NaN])('step size %d is refused', (stepSize) => {
  expect(() => new StepLR({ lr: 1 }, { stepSize })).toThrow(/whole stepSize/);
});
