/** Schedules against torch.optim.lr_scheduler over 30 epochs with two groups, their saved states, and what they refuse. */
import { describe, expect, test } from 'vitest';
import { OptionError } from '../../src/autograd/errors.ts';
import {
  CosineAnnealingLR,
  LambdaLR,
  LinearWarmup,
  MultiStepLR,
  OneCycleLR,
  type OneCycleLROptions,
  type Schedule,
  type ScheduledGroup,
  StepLR,
} from '../../src/optim/index.ts';
import { expectClose } from '../support/compare.ts';
import { untyped } from '../support/untyped.ts';
import { golden } from './support.ts';

type Entry = readonly [name: string, options: never];

interface Run {
  readonly schedules: readonly Entry[];
  readonly adam: boolean;
  readonly rates: number[][];
  readonly momentums?: number[][];
}

/** What schedules need of an optimizer. */
function optimizer(adam = false, rates: readonly number[] = [0.1, 0.03]): { lr: number; groups: ScheduledGroup[] } {
  return { lr: 0, groups: rates.map((lr) => (adam ? { lr, betas: [0.9, 0.999] } : { lr, momentum: 0.9 })) };
}

type Target = ReturnType<typeof optimizer>;

const BUILD: Readonly<Record<string, (target: Target, options: never) => Schedule>> = {
  StepLR: (target, options) => new StepLR(target, options),
  MultiStepLR: (target, options) => new MultiStepLR(target, options),
  CosineAnnealingLR: (target, options) => new CosineAnnealingLR(target, options),
  LinearWarmup: (target, options) => new LinearWarmup(target, options),
  OneCycleLR: (target, options) => new OneCycleLR(target, options),
  LambdaLR: (target, bases: number[]) =>
    new LambdaLR(
      target,
      bases.map((base) => (epoch) => base ** epoch),
    ),
};

const build = (target: Target, entries: readonly Entry[]) =>
  entries.map(([name, options]) => BUILD[name]!(target, options));

const momentumOf = ({ betas, momentum }: ScheduledGroup) => betas?.[0] ?? momentum!;

/** The rates and momentums of both groups before each of `count` epochs. */
function walk(target: Target, schedules: readonly Schedule[], count: number): number[][] {
  return Array.from({ length: count }, () => {
    const now = target.groups.flatMap((group) => [group.lr, momentumOf(group)]);
    for (const one of schedules) one.step();
    return now;
  });
}

const runs = Object.values(golden<Record<string, Run>>('schedules'));
const titled = runs.map((run) => [JSON.stringify(run.schedules), run] as const);

describe.each(titled)('%s', (_, { schedules, adam, rates, momentums }) => {
  test('equals torch’s', () => {
    const target = optimizer(adam);
    const found = walk(target, build(target, schedules), rates.length);
    // The same operations in float64; cosines and powers of the two libraries differ in their last bit.
    const tolerance = { atol: 0, rtol: 1e-12 };
    for (const [i, expected] of rates.entries()) {
      expectClose(`rates at epoch ${i}`, [found[i]![0]!, found[i]![2]!], expected, tolerance);
      const still = [0.9, 0.9];
      expectClose(`momentums at epoch ${i}`, [found[i]![1]!, found[i]![3]!], momentums?.[i] ?? still, tolerance);
    }
  });

  test.each([0, 1, 13])('goes on after %d epochs to the same bits', (at) => {
    const [whole, stopped] = [optimizer(adam), optimizer(adam)];
    const expected = walk(whole, build(whole, schedules), rates.length);
    const before = build(stopped, schedules);
    walk(stopped, before, at);
    const states = JSON.parse(JSON.stringify(before.map((one) => one.stateDict())));
    const other = optimizer(adam, [0.7, 0.9]);
    const after = build(other, schedules);
    // As an optimizer's saved state does.
    for (const [i, group] of other.groups.entries()) Object.assign(group, stopped.groups[i]);
    for (const [i, one] of after.entries()) one.loadStateDict(states[i]);
    expect(after[0]!.epoch).toBe(at);
    expect(walk(other, after, rates.length - at)).toEqual(expected.slice(at));
  });
});

test('an error of 1e-10 in the rates is seen', () => {
  const target = optimizer();
  const schedule = new CosineAnnealingLR(target, { tMax: 30 });
  const found = walk(target, [schedule], 30).map(([lr]) => lr! * (1 + 1e-10));
  const { rates } = runs.find((run) => JSON.stringify(run.schedules) === '[["CosineAnnealingLR",{"tMax":30}]]')!;
  const expected = rates.map(([lr]) => lr!);
  expect(() => expectClose('rates', found, expected, { atol: 0, rtol: 1e-12 })).toThrow('rates differs in 30 of 30');
});

describe('schedules refuse', () => {
  const refuses = (run: () => unknown, message: string) => {
    expect(run).toThrow(OptionError);
    expect(run).toThrow(message);
  };

  test('invalid options, by name', () => {
    const target = optimizer();
    const wrong = (name: string, options: unknown) => () => BUILD[name]!(target, options as never);
    refuses(wrong('MultiStepLR', { milestones: 3 }), 'MultiStepLR: milestones must be a list of epochs');
    refuses(wrong('MultiStepLR', { milestones: [3, 0] }), 'MultiStepLR: milestones[1] must be a whole number');
    refuses(wrong('MultiStepLR', { milestones: [3], gamma: -1 }), 'MultiStepLR: gamma must be');
    refuses(wrong('CosineAnnealingLR', { tMax: 0 }), 'CosineAnnealingLR: tMax must be a whole number of at least 1');
    refuses(wrong('CosineAnnealingLR', { tMax: 3, etaMin: Number.NaN }), 'CosineAnnealingLR: etaMin must be');
    refuses(wrong('CosineAnnealingLR', { T_max: 3 }), 'CosineAnnealingLR: option T_max is not implemented');
    refuses(wrong('LinearWarmup', { startFactor: 0 }), 'LinearWarmup: startFactor must be above 0');
    refuses(wrong('LinearWarmup', { startFactor: 1.5 }), 'LinearWarmup: startFactor must be a number from 0 to 1');
    refuses(wrong('LinearWarmup', { endFactor: 2 }), 'LinearWarmup: endFactor must be a number from 0 to 1');
    refuses(wrong('LinearWarmup', { totalIters: 0.5 }), 'LinearWarmup: totalIters must be a whole number');
    // Nothing has changed the learning rates.
    expect(target).toEqual(optimizer());
  });

  test('a function that is none, or gives no factor', () => {
    const target = optimizer();
    refuses(() => new LambdaLR(target, [() => 1]), 'or a list of 2, one for each group, got a list of 1.');
    refuses(() => new LambdaLR(target, untyped(3)), 'LambdaLR: lrLambda must be a function of the epoch');
    const schedule = new LambdaLR(target, (epoch) => (epoch < 2 ? 0.5 : Number.NaN));
    schedule.step();
    const before = structuredClone(target);
    refuses(() => schedule.step(), 'LambdaLR: the factor of group 0 at epoch 2 must be a finite number');
    expect(target).toEqual(before);
    expect(schedule.epoch).toBe(1);
  });

  test('a cycle that cannot be', () => {
    const target = optimizer();
    const wrong =
      (options: object, of = target) =>
      () =>
        new OneCycleLR(of, { maxLr: 1, totalSteps: 10, ...options } as OneCycleLROptions);
    refuses(wrong({ totalSteps: 0 }), 'OneCycleLR: totalSteps must be a whole number of at least 1, got 0.');
    refuses(
      wrong({ totalSteps: undefined, epochs: 3 }),
      'OneCycleLR: give totalSteps, or both epochs and stepsPerEpoch.',
    );
    refuses(
      wrong({ maxLr: [1] }),
      'OneCycleLR: maxLr must be a list with a number for each of 2 groups, got 1 values.',
    );
    refuses(wrong({ maxLr: undefined }), 'OneCycleLR: maxLr must be a finite number of at least 0, got undefined.');
    refuses(wrong({ pctStart: 2 }), 'OneCycleLR: pctStart must be a number from 0 to 1, got 2.');
    refuses(wrong({ pctStart: 0.1 }), 'OneCycleLR: pctStart 0.1 of totalSteps 10 leaves no step for a phase.');
    refuses(wrong({ annealStrategy: 'sin' }), 'OneCycleLR: annealStrategy must be "cos" or "linear", got sin.');
    refuses(wrong({ threePhase: 1 }), 'OneCycleLR: threePhase must be true or false, got 1.');
    refuses(wrong({ divFactor: 0 }), 'OneCycleLR: divFactor must be above 0');
    refuses(wrong({ maxMomentum: 2 }), 'OneCycleLR: maxMomentum must be a number from 0 to 1');
    expect(target).toEqual(optimizer());
    const plain = { lr: 1, groups: [{ lr: 1 }] };
    refuses(wrong({}, plain), 'OneCycleLR: the optimizer has neither momentum nor betas.');
    wrong({ cycleMomentum: false }, plain)();
    expect(plain.groups[0]!.lr).toBeCloseTo(1 / 25, 12);
  });

  test('a step beyond the end of a cycle', () => {
    const target = optimizer();
    const schedule = new OneCycleLR(target, { maxLr: 1, totalSteps: 4 });
    // Like torch, one step more than the cycle has.
    for (let i = 0; i < 4; i++) schedule.step();
    const before = structuredClone(target);
    refuses(() => schedule.step(), 'OneCycleLR: step 5 is beyond totalSteps 4.');
    expect(target).toEqual(before);
  });

  test('a state that is not their own, and stay as they were', () => {
    const target = optimizer();
    const schedule = new CosineAnnealingLR(target, { tMax: 5 });
    schedule.step();
    const state = schedule.stateDict();
    expect(state).toEqual({ type: 'CosineAnnealingLR', epoch: 1, tMax: 5, etaMin: 0, baseLrs: [0.1, 0.03] });
    const wrong = (values: object) => () => schedule.loadStateDict({ ...state, ...values });
    refuses(
      wrong({ type: 'StepLR' }),
      'CosineAnnealingLR: expected the state of CosineAnnealingLR, got that of StepLR.',
    );
    refuses(wrong({ epoch: -1 }), 'CosineAnnealingLR: epoch must be a whole number');
    refuses(wrong({ tMax: 'long' }), 'CosineAnnealingLR: tMax must be a whole number');
    refuses(wrong({ baseLrs: [1] }), 'CosineAnnealingLR: baseLrs must be a list with a number for each of 2 groups');
    refuses(wrong({ baseLrs: [1, Number.NaN] }), 'CosineAnnealingLR: baseLrs[1] must be a finite number');
    expect(schedule.stateDict()).toEqual(state);
  });
});
