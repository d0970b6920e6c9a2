/** The learning rates of a run against torch's, and on from a saved state. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ScheduledGroup } from '../../src/optim/index.ts';
import { numberSettings } from '../../src/plan/index.ts';
import { TUTORIAL_RECIPE } from '../../src/train/recipe.ts';
import { RunSchedule } from '../../src/train/schedule.ts';
import { expectClose } from '../support/compare.ts';

/** By run, update and group: written by make-golden-schedules.py. */
const golden = JSON.parse(readFileSync(new URL('../golden/train/schedules.json', import.meta.url), 'utf8')) as Record<
  string,
  number[][]
>;
const [EPOCHS, UPDATES] = [4, 3];

function build(name: string) {
  const [schedule, warmup] = name.split(', ');
  const groups: ScheduledGroup[] = [0.003, 0.01].map((lr) => ({ lr, momentum: 0.9 }));
  const optimizer = { lr: 0, groups };
  const settings = numberSettings({
    ...{ epochs: EPOCHS, stepSize: 2, gamma: 0.5 },
    warmup: warmup ? (schedule === 'step' ? 1 : 2) : 0,
  });
  const recipe = { ...TUTORIAL_RECIPE, schedule: schedule as never };
  return { optimizer, schedule: new RunSchedule(optimizer, recipe, settings, UPDATES) };
}

/** The rates of the updates from one on, up to another. */
function walk({ schedule }: ReturnType<typeof build>, from: number, to: number): number[][] {
  const found: number[][] = [];
  for (let update = from; update < to; update++) {
    schedule.afterUpdate();
    found.push([schedule.rates.lrBackbone!, schedule.rates.lr]);
    if ((update + 1) % UPDATES === 0) schedule.afterEpoch();
  }
  return found;
}

describe.each(Object.keys(golden))('%s', (name) => {
  const expected = golden[name]!;

  test('has torch’s rates', () => {
    // Both compute in double.
    expectClose('rates', walk(build(name), 0, EPOCHS * UPDATES).flat(), expected.flat(), { atol: 0, rtol: 1e-12 });
  });

  test('goes on within an epoch to the same bits', () => {
    const whole = build(name);
    const before = build(name);
    const rates = walk(whole, 0, EPOCHS * UPDATES);
    walk(before, 0, 5);
    const after = build(name);
    after.schedule.loadStateDict(JSON.parse(JSON.stringify(before.schedule.stateDict())));
    // The optimizer saves its own settings.
    for (const [i, group] of after.optimizer.groups.entries()) Object.assign(group, before.optimizer.groups[i]);
    expect(walk(after, 5, EPOCHS * UPDATES)).toEqual(rates.slice(5));
    expect(after.schedule.stateDict()).toEqual(whole.schedule.stateDict());
  });
});

test('the state of other schedules is refused, and changes nothing', () => {
  const { schedule } = build('cosine, warm-up');
  walk({ schedule } as never, 0, 4);
  const before = schedule.stateDict();
  expect(() => schedule.loadStateDict(build('step').schedule.stateDict())).toThrow('got StepLR');
  expect(() => schedule.loadStateDict(build('step, warm-up').schedule.stateDict())).toThrow(
    'CosineAnnealingLR: expected the state of CosineAnnealingLR, got that of StepLR',
  );
  expect(() => schedule.loadStateDict({ type: 'Schedules', schedules: [] })).toThrow('of 2 schedules');
  expect(schedule.stateDict()).toEqual(before);
});
