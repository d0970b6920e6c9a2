/** Faults of the device in the middle of a run: typed errors, and a last state that goes on to the same results. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openGpu } from '../../src/gpu/dawn.ts';
import { DeviceLostError, OutOfMemoryError, WatchdogError } from '../../src/gpu/errors.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import {
  type PhaseMetrics,
  resumeTraining,
  type StepProgress,
  type TrainOptions,
  train,
} from '../../src/train/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJsonLines, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
const OPTIONS = { ...TINY, data, mode: 'extract', epochs: 2, pictures: false } satisfies TrainOptions;

/** What a run must have in common with the undisturbed one. */
function results(folder: string) {
  const metrics = readJsonLines<PhaseMetrics>(folder, 'metrics.jsonl');
  return metrics.map(({ epoch, phase, loss, acc, lr }) => ({ epoch, phase, loss, acc, lr }));
}

let undisturbed: Promise<string> | undefined;
function wanted(): Promise<string> {
  undisturbed ??= train({ ...OPTIONS, out: join(root, 'undisturbed') }).then(({ folder }) => folder);
  return undisturbed;
}

/** The error of a run whose device is harmed at the first train step of epoch 1. */
async function harmed(name: string, harm: (gpu: Gpu) => void, options: Partial<TrainOptions> = {}) {
  const gpu = await openGpu();
  const out = join(root, name);
  let isDone = false;
  const reporter = {
    stepDone: ({ epoch }: StepProgress) => {
      if (epoch === 1 && !isDone) harm(gpu);
      isDone ||= epoch === 1;
    },
  };
  const error = await train({ ...OPTIONS, gpu, out, reporter, ...options }).catch((caught: unknown) => caught);
  gpu.close();
  expect(existsSync(join(out, '.lock'))).toBe(false);
  expect(existsSync(join(out, 'summary.json'))).toBe(false);
  return { error, out };
}

async function expectResumable(out: string): Promise<void> {
  await resumeTraining(out, { pictures: false, watchdog: 600 });
  const expected = await wanted();
  expect(results(out)).toEqual(results(expected));
  const best = (run: string) => readFileSync(join(run, 'best.safetensors'));
  expect(best(out).equals(best(expected))).toBe(true);
}

gpuTest(
  'a lost device: the run goes on from its last state to the bits of an undisturbed one',
  async () => {
    const { error, out } = await harmed('lost', (gpu) => gpu.device.destroy());
    expect(error).toBeInstanceOf(DeviceLostError);
    await expectResumable(out);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a device out of memory is an error of its own',
  async () => {
    class GPUOutOfMemoryError extends Error {}
    const event = Object.assign(new Event('uncapturederror'), { error: new GPUOutOfMemoryError('no 1 GiB left') });
    const { error, out } = await harmed('memory', (gpu) => gpu.device.dispatchEvent(event));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect((error as Error).message).toContain('no 1 GiB left');
    expect(results(out).slice(0, 2)).toEqual(results(await wanted()).slice(0, 2));
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a device that gives no result any more is noticed within the limit',
  async () => {
    // The readbacks of later steps never end, as those of a hung kernel.
    const hang = (gpu: Gpu) => {
      gpu.readback = () => ({ get: () => new Promise(() => {}) });
    };
    const { error, out } = await harmed('hung', hang, { watchdog: 5 });
    expect(error).toBeInstanceOf(WatchdogError);
    expect((error as Error).message).toMatch(/no result for 5 seconds/);
    await expectResumable(out);
  },
  TRAINING_TIMEOUT,
);
