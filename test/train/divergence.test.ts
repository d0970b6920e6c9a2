/** When a run counts as diverged: by its own history, and never where a loss is merely large. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DivergenceWatch } from '../../src/train/divergence.ts';
import {
  type DivergedError,
  ExplodedLossError,
  NonFiniteLossError,
  type PhaseMetrics,
  type Reporter,
  readMetrics,
  resumeTraining,
  type StepProgress,
  train,
} from '../../src/train/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJsonLines, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));

/** The first error that the train losses give, and the step it came with. */
function firstError(losses: readonly number[], watch = new DivergenceWatch(2)) {
  for (const [step, loss] of losses.entries()) {
    const error = watch.see({ epoch: 0, phase: 'train', step, loss }, () => ['train/a.jpg']);
    if (error) return { error, step };
  }
  return undefined;
}

test('a loss of a million times the first is an error with the pictures of its batch', () => {
  const found = firstError([0.7, 5, 699_999, 700_001]);
  expect(found?.step).toBe(3);
  expect(found?.error).toBeInstanceOf(ExplodedLossError);
  expect(found?.error).toMatchObject({ epoch: 0, phase: 'train', step: 3, loss: 700_001, pictures: ['train/a.jpg'] });
  expect(found?.error.message).toMatch(
    /grew to 7\.00e\+5, more than 7\.00e\+5.*step 3.*train\/a\.jpg.*smaller learning/,
  );
});

test.each([
  ['an easy first batch', [1e-9, 30, 400, 2]],
  ['losses that are large from the start', [5e3, 4e7, 3e3]],
  ['a rate of 0.3 on random weights in batches of 2', [0.7, 2, 21_444, 1654, 900]],
  ['the tutorial', [0.655, 0.772, 0.672, 0.869, 0.745, 0.926]],
])('%s is none', (_, losses) => {
  expect(firstError(losses)).toBeUndefined();
});

test('a loss that is not finite is an error in both phases, one that is large only in train', () => {
  const watch = new DivergenceWatch(2, 0.7);
  const see = (phase: 'train' | 'val', loss: number) => watch.see({ epoch: 1, phase, step: 2, loss }, () => []);
  expect(see('val', 1e30)).toBeUndefined();
  expect(see('val', Number.NaN)).toBeInstanceOf(NonFiniteLossError);
  expect(see('train', Number.POSITIVE_INFINITY)).toBeInstanceOf(NonFiniteLossError);
});

test('a run that goes on judges by the loss of its first start', () => {
  const first = new DivergenceWatch(2);
  expect(firstError([3], first)).toBeUndefined();
  expect(first.start).toBe(3);
  expect(firstError([2e6], new DivergenceWatch(2, first.start))).toBeUndefined();
  expect(firstError([2e6, 2.1e6], new DivergenceWatch(2, 0.7))?.step).toBe(0);
});

gpuTest(
  'a rate of 1e30 stops at the step after, names its pictures, and leaves no weights',
  async () => {
    const out = join(root, 'exploded');
    const run = train({ data, ...TINY, mode: 'extract', lr: 1e30, out });
    const error = await run.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ExplodedLossError);
    expect(error).toMatchObject({ epoch: 0, phase: 'train', step: 1 });
    const { pictures } = error as DivergedError;
    expect(pictures).toHaveLength(4);
    for (const name of pictures) expect(existsSync(join(data, name))).toBe(true);
    expect(existsSync(join(out, 'best.safetensors'))).toBe(false);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'onDivergence continue reports it once and goes on, also after a resume, to the same files',
  async () => {
    const options = { data, ...TINY, lr: 1e30, onDivergence: 'continue', pictures: false } as const;
    const errors: DivergedError[] = [];
    const whole = await train({
      ...options,
      out: join(root, 'goes-on'),
      reporter: { diverged: (e) => errors.push(e) },
    });
    expect(errors).toHaveLength(1);
    expect(whole.summary).toMatchObject({ epochs: 2, interrupted: false });
    const rows = readJsonLines<PhaseMetrics>(whole.folder, 'metrics.jsonl');
    expect(rows.map(({ loss }) => loss)).toContain(null);
    expect(readMetrics(whole.folder).map(({ loss }) => loss)).toContainEqual(Number.NaN);

    const stop = new AbortController();
    const reporter: Reporter = {
      stepDone: ({ epoch, step }: StepProgress) => {
        if (epoch === 1 && step === 1) stop.abort();
      },
    };
    const out = join(root, 'stopped');
    await train({ ...options, out, reporter, signal: stop.signal });
    await resumeTraining(out, { pictures: false });
    const again = readJsonLines<PhaseMetrics>(out, 'metrics.jsonl');
    const withoutTimes = (all: PhaseMetrics[]) =>
      all.map(({ epoch, phase, loss, acc }) => ({ epoch, phase, loss, acc }));
    expect(withoutTimes(again)).toEqual(withoutTimes(rows));
  },
  TRAINING_TIMEOUT,
);
