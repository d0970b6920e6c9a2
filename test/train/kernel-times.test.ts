/** One step is timed after a run: the network stays as it was, and a failure ends no run. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { Generator } from '../../src/data/index.ts';
import { Watchdog } from '../../src/gpu/watchdog.ts';
import { chooserOf } from '../../src/kernels/chooser.ts';
import { makeOptimizer } from '../../src/models/learning.ts';
import { buildModel, fromScratch } from '../../src/models/start.ts';
import { KERNEL_TIMES } from '../../src/report/kernel-times.ts';
import { RunFolder } from '../../src/train/index.ts';
import { timeForward, timeTrainStep } from '../../src/train/kernel-times.ts';
import { withGpu } from '../support/gpu.ts';
import { TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const settings = { batchSize: 4, imageSize: 32 };
const watchdog = new Watchdog(600);
const LEARNING = { optimizer: 'sgd', lr: 0.1, lrBackbone: 0.1, momentum: 0.9, weightDecay: 0 } as const;

const timesIn = (folder: RunFolder) =>
  v.parse(KERNEL_TIMES, JSON.parse(readFileSync(join(folder.path, 'kernels.json'), 'utf8')));

gpuTest(
  'a training step is timed, and the network keeps its bits',
  async () => {
    const folder = new RunFolder(join(root, 'run'));
    const model = buildModel(gpu, fromScratch(), { classes: 2, mode: 'finetune', random: new Generator(0) }).eval();
    const state = await model.exportState();
    const optimizer = makeOptimizer(model, LEARNING);
    const told: string[] = [];
    const reporter = { kernelsNotTimed: ({ message }: Error) => told.push(message) };
    const run = { gpu, chooser: chooserOf(gpu), model, settings, folder, watchdog, reporter };
    const training = { ...run, pictures: 3, optimizer, step: {}, state };
    await timeTrainStep(training);
    expect(told).toEqual([]);
    expect([model.training, gpu.stats.openReadbacks]).toEqual([false, 0]);
    const after = await model.exportState();
    const changed = [...state].filter(([name, { data }]) => {
      const now = after.get(name)!.data;
      // vitest's own comparison takes a minute.
      return Buffer.compare(Buffer.from(now.buffer), Buffer.from(data.buffer)) !== 0;
    });
    expect(changed.map(([name]) => name)).toEqual([]);
    const { kernels, milliseconds, ...about } = timesIn(folder);
    const timed = gpu.device.features.has('timestamp-query');
    expect(about).toEqual({ version: 1, work: 'training step', batchSize: 3, imageSize: 32, timed });
    if (timed) {
      expect(kernels.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 3);
      expect(kernels.reduce((sum, one) => sum + one.milliseconds, 0)).toBeCloseTo(milliseconds, 3);
      const parts = new Set(kernels.map(({ family, pass }) => pass ?? family));
      for (const part of ['forward', 'inputGrad', 'weightGrad', 'batch-norm', 'pooling', 'linear', 'loss', 'optim']) {
        expect(parts, part).toContain(part);
      }
      expect(kernels.find(({ family }) => family === 'optim')!.calls).toBe(model.parameters().length);
    }

    await timeForward(run);
    const forward = timesIn(folder);
    expect(forward).toMatchObject({ work: 'forward pass', batchSize: 4 });
    expect(forward.kernels.some(({ pass, family }) => pass === 'weightGrad' || family === 'optim')).toBe(false);

    // A folder of that name is in the way.
    const blocked = new RunFolder(join(root, 'blocked'));
    mkdirSync(join(blocked.path, 'kernels.json'));
    await timeForward({ ...run, folder: blocked });
    expect(told).toEqual([expect.stringContaining('kernels.json')]);
    for (const one of [folder, blocked]) one.close();
    optimizer.dispose();
    model.dispose();
  },
  TRAINING_TIMEOUT,
);

test('a device without timestamps runs nothing, and the file says so', async () => {
  const folder = new RunFolder(join(root, 'untimed'));
  const without = { device: { features: new Set() } };
  await timeForward({ gpu: without, model: {}, settings, folder, watchdog } as never);
  expect(timesIn(folder)).toMatchObject({ timed: false, milliseconds: 0, kernels: [] });
  folder.close();
});
