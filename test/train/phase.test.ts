/** The loop over batches: how far it runs ahead of the device, its sums, and how it ends early. */
import { expect, test } from 'vitest';
import type { Batch } from '../../src/data/index.ts';
import { NonFiniteLossError, type PhaseRun, runPhase, type StepProgress } from '../../src/train/index.ts';

interface Fake {
  readonly size: number;
  readonly loss: number;
  readonly correct: number;
}

/** A loader of empty batches, and a device on which each result is ready when it is requested. */
function fakeRun(results: readonly Fake[], options: Partial<PhaseRun> = {}) {
  let running = 0;
  const seen = { mostRunning: 0, started: 0, released: 0, steps: [] as StepProgress[] };
  const readback = (bytes: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, after = () => {}) => ({
    get: async () => {
      after();
      return bytes.buffer;
    },
  });
  async function* batches(): AsyncGenerator<Batch> {
    for (const { size } of results) {
      const release = () => {
        seen.released++;
      };
      yield { images: new Float32Array(0), labels: new Int32Array(0), indices: new Int32Array(0), size, release };
    }
  }
  const run: PhaseRun = {
    epoch: 3,
    phase: 'train',
    batches: batches(),
    steps: results.length,
    run: () => {
      const { loss, correct } = results[seen.started++]!;
      seen.mostRunning = Math.max(seen.mostRunning, ++running);
      return {
        loss: readback(Float32Array.of(loss)),
        correct: readback(Uint32Array.of(correct), () => running--),
      };
    },
    onStep: (progress) => seen.steps.push(progress),
    ...options,
  };
  return { run, seen };
}

const many = Array.from({ length: 10 }, (_, i) => ({ size: 4, loss: i, correct: i % 5 }));

test('at most two steps are submitted ahead of the recorded one', async () => {
  const { run, seen } = fakeRun(many);
  await runPhase(run);
  expect(seen.mostRunning).toBe(3);
  expect(seen.released).toBe(10);
});

test('steps are reported in order, each with its own result', async () => {
  const { run, seen } = fakeRun(many);
  await runPhase(run);
  expect(seen.steps.map(({ step, loss, correct }) => ({ step, loss, correct }))).toEqual(
    many.map(({ loss, correct }, step) => ({ step, loss, correct })),
  );
  expect(seen.steps.at(-1)).toMatchObject({ epoch: 3, phase: 'train', steps: 10, size: 4, meanLoss: 4.5 });
});

test('works without a listener', async () => {
  const { run } = fakeRun(many, { onStep: undefined });
  expect(await runPhase(run)).toMatchObject({ loss: 4.5 });
});

test('weights a smaller last batch by its pictures and sums in double', async () => {
  const { run } = fakeRun([
    { size: 4, loss: 0.1, correct: 3 },
    { size: 1, loss: 0.7, correct: 1 },
  ]);
  const totals = await runPhase(run);
  expect(totals?.loss).toBe((Math.fround(0.1) * 4 + Math.fround(0.7)) / 5);
  expect(totals?.acc).toBe(4 / 5);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])(
  'a loss of %d ends the phase, and the error names epoch and step',
  async (loss) => {
    const { run } = fakeRun([...many.slice(0, 4), { size: 4, loss, correct: 0 }, ...many]);
    const error = await runPhase(run).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NonFiniteLossError);
    expect(error).toMatchObject({ epoch: 3, phase: 'train', step: 4 });
    expect((error as Error).message).toMatch(/in epoch 3, train step 4/);
  },
);

test('an abort finishes the steps that have started', async () => {
  const abort = new AbortController();
  const { run, seen } = fakeRun(many, { signal: abort.signal });
  const record = run.run;
  const totals = await runPhase({
    ...run,
    run: (batch, step) => {
      if (seen.started === 3) abort.abort();
      return record(batch, step);
    },
  });
  expect(totals).toBeUndefined();
  expect(seen.started).toBe(4);
  expect(seen.steps).toHaveLength(4);
});

test('an abort during the last step leaves the phase complete', async () => {
  const abort = new AbortController();
  const { run } = fakeRun(many, { signal: abort.signal });
  const onStep = ({ step }: StepProgress) => {
    if (step === 9) abort.abort();
  };
  expect(await runPhase({ ...run, onStep })).toMatchObject({ loss: 4.5 });
  const { run: next, seen } = fakeRun(many, { signal: abort.signal });
  expect(await runPhase(next)).toBeUndefined();
  expect(seen.started).toBe(0);
});
