/** What learns in a run, at which rates, and that a run with all options goes on to the same bits. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { groupPlace, learnFrom } from '../../src/models/learning.ts';
import { netOf } from '../../src/models/registry.ts';
import { resnet18 } from '../../src/models/resnets.ts';
import { numberSettings } from '../../src/plan/index.ts';
import { type PhaseMetrics, type Reporter, resumeTraining, type TrainOptions, train } from '../../src/train/index.ts';
import { type RecipeOptions, recipeOf, withOptimizerDefaults } from '../../src/train/recipe.ts';
import { readCheckpoint, writeSafetensors } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJson, readJsonLines, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
let runs = 0;
const nextFolder = () => join(root, `run-${runs++}`);
const OPTIONS = { ...TINY, data, batchSize: 2, epochs: 2, pictures: false } satisfies TrainOptions;

describe('groupPlace', () => {
  const places = (pictures: number, batchSize: number, accumulate: number) =>
    Array.from({ length: Math.ceil(pictures / batchSize) }, (_, step) =>
      groupPlace(step, { pictures, batchSize, accumulate }),
    );

  test.each([
    [11, 2, 1],
    [11, 2, 4],
    [12, 2, 3],
    [5, 4, 2],
    [3, 8, 5],
  ])(
    '%i pictures by %i, %i batches a group: each group is the mean of its pictures',
    (pictures, batchSize, accumulate) => {
      let sum = 0;
      for (const [step, { share, updates }] of places(pictures, batchSize, accumulate).entries()) {
        sum += share;
        const isLast = step === Math.ceil(pictures / batchSize) - 1;
        expect(updates).toBe(isLast || (step + 1) % accumulate === 0);
        if (!updates) continue;
        expect(sum).toBeCloseTo(1, 12);
        sum = 0;
      }
    },
  );

  test('a smaller last batch weighs less', () => {
    expect(places(5, 4, 2)).toEqual([
      { share: 0.8, updates: false },
      { share: 0.2, updates: true },
    ]);
  });
});

gpuTest('from a block on, all parameters learn, and none before it', () => {
  const model = resnet18(gpu, { classes: 2, init: 'skip' });
  const learning = () => [
    ...new Set([...model.namedParameters()].filter(([, one]) => one.requiresGrad).map(([name]) => name.split('.')[0])),
  ];
  learnFrom(model, 'layer4');
  expect(learning()).toEqual(['layer4', 'fc']);
  learnFrom(model, 'fc');
  expect(learning()).toEqual(['fc']);
  learnFrom(model, 'conv1');
  expect(learning()).toEqual(['conv1', 'bn1', 'layer1', 'layer2', 'layer3', 'layer4', 'fc']);
  model.dispose();
});

describe('what contradicts', () => {
  const net = netOf('resnet18');
  test.each<[RecipeOptions, 'finetune' | 'extract', string]>([
    [{ unfreeze: 'nosuch' }, 'finetune', `a block of a resnet18: ${net.blocks.join(', ')}, found "nosuch"`],
    [{ optimizer: 'adam' as never }, 'finetune', 'optimizer: expected sgd, adamw, found "adam"'],
    [{ schedule: 'linear' as never }, 'finetune', 'schedule: expected step, cosine, onecycle, found "linear"'],
    [{ freezeEpochs: 2 }, 'extract', 'freezeEpochs: only the last layer learns in the mode extract'],
    [{ unfreeze: 'layer4' }, 'extract', 'unfreeze: only the last layer learns in the mode extract'],
    [{ lrBackbone: 0.1, unfreeze: 'fc' }, 'finetune', 'lrBackbone: only the last layer learns with unfreeze fc'],
    [{ freezeEpochs: 25 }, 'finetune', 'freezeEpochs: expected fewer than the 25 epochs'],
    [{ warmup: 3, epochs: 2 }, 'finetune', 'warmup: expected at most the 2 epochs, found 3'],
    [{ optimizer: 'adamw', momentum: 0.9 }, 'extract', 'momentum: is that of SGD; leave it out with optimizer adamw'],
    [{ schedule: 'cosine', gamma: 0.1 }, 'finetune', 'gamma: belongs to schedule step; leave it out with cosine'],
    [{ schedule: 'onecycle', warmup: 1 }, 'finetune', 'warmup: schedule onecycle begins with a rise of its own'],
    [{ schedule: 'onecycle', momentum: 0.9 }, 'finetune', 'momentum: schedule onecycle moves it between 0.95 and 0.85'],
  ])('%j in the mode %s', (options, mode, message) => {
    expect(() => recipeOf(options, mode, { net })).toThrow(message);
  });

  test('AdamW has torch’s weight decay where none is given', () => {
    const decay = (options: RecipeOptions) =>
      numberSettings(withOptimizerDefaults(options, recipeOf(options, 'finetune'))).weightDecay;
    expect(decay({})).toBe(0);
    expect(decay({ optimizer: 'adamw' })).toBe(0.01);
    expect(decay({ optimizer: 'adamw', weightDecay: 0 })).toBe(0);
  });
});

/** The files of a run, without times. */
function results(folder: string) {
  const metrics = readJsonLines<PhaseMetrics>(folder, 'metrics.jsonl');
  const { tensors, metadata } = readCheckpoint(join(folder, 'last.safetensors'));
  const { extra, ...saved } = JSON.parse(metadata['dawngrad.training']!);
  const { seconds: _, segments: __, metrics: ___, ...rest } = extra;
  return {
    metrics: metrics.map(({ seconds: ____, imagesPerSecond: _____, ...row }) => row),
    best: readFileSync(join(folder, 'best.safetensors')).toString('base64'),
    saved: { ...saved, extra: rest },
    last: [...tensors].map(([name, one]) => [name, Buffer.from(one.data.buffer).toString('base64')]),
  };
}

/** A signal that stops a run when it has done so many steps of an epoch's train phase. */
function stopAt(epoch: number, steps: number): { reporter: Reporter; signal: AbortSignal } {
  const stop = new AbortController();
  const reporter: Reporter = {
    stepDone: (progress) => {
      if (progress.epoch === epoch && progress.phase === 'train' && progress.step + 1 >= steps) stop.abort();
    },
  };
  return { reporter, signal: stop.signal };
}

gpuTest(
  'a run with all options that is stopped twice ends with the bits of one that is not',
  async () => {
    const options: TrainOptions = {
      ...OPTIONS,
      ...{ optimizer: 'adamw', schedule: 'onecycle', lr: 1e-3, lrBackbone: 1e-4, gradClip: 1, accumulate: 4 },
      ...{ freezeEpochs: 1, unfreeze: 'layer4' },
    };
    const [whole, out] = [nextFolder(), nextFolder()];
    const { metrics } = await train({ ...options, out: whole });
    expect(metrics.map(({ lr, lrBackbone }) => lr / lrBackbone!)).toEqual(metrics.map(() => expect.closeTo(10, 9)));
    // Two results are under way when a run is told to stop: it ends with the third batch of four, and with the first of
    // two.
    for (const [epoch, steps] of [
      [0, 1],
      [1, 3],
    ] as const) {
      if (epoch === 0) await train({ ...options, out, ...stopAt(epoch, steps) });
      else await resumeTraining(out, { pictures: false, ...stopAt(epoch, steps) });
      await expectUnfinished(out, epoch === 0 ? 'fc' : 'layer4');
    }
    await resumeTraining(out, { pictures: false });
    expect(results(out)).toEqual(results(whole));
    // Its schedule is laid out for its length.
    await expect(resumeTraining(out, { epochs: 9 })).rejects.toThrow('is laid out for its 2 epochs, found 9');
  },
  TRAINING_TIMEOUT,
);

/** The run stands between two batches of one update, and cannot go on without their gradients. */
async function expectUnfinished(out: string, from: 'fc' | 'layer4'): Promise<void> {
  const path = join(out, 'last.safetensors');
  const { tensors, metadata } = readCheckpoint(path);
  const gradients = [...tensors.keys()].filter((name) => name.startsWith('gradient.'));
  expect(new Set(gradients.map((name) => name.split('.')[1]))).toEqual(new Set(from === 'fc' ? ['fc'] : [from, 'fc']));
  const before = readFileSync(path);
  const without = new Map([...tensors].filter(([name]) => !gradients.includes(name)));
  writeSafetensors(path, { tensors: without, metadata });
  await expect(resumeTraining(out)).rejects.toThrow(/it lacks the gradients of \d steps/);
  writeFileSync(path, before);
}

gpuTest(
  'from fc on is the mode extract; the files say what differs from the tutorial, and of the tutorial nothing new',
  async () => {
    const [extract, fc] = [nextFolder(), nextFolder()];
    const options = { ...OPTIONS, epochs: 1 };
    await train({ ...options, mode: 'extract', out: extract });
    await train({ ...options, unfreeze: 'fc', out: fc });
    expect(results(fc).metrics).toEqual(results(extract).metrics);
    expect(results(fc).last).toEqual(results(extract).last);
    const names = (folder: string) => Object.keys(readJson<object>(folder, 'config.json'));
    expect(names(fc).filter((name) => !names(extract).includes(name))).toEqual(['unfreeze']);
    expect(results(fc).saved.extra.recipe).toEqual({ unfreeze: 'fc' });
    expect(Object.keys(results(extract).saved.extra.settings)).toEqual([
      ...['epochs', 'batchSize', 'lr', 'momentum', 'weightDecay', 'stepSize', 'gamma', 'seed', 'workers', 'threads'],
      ...['imageSize', 'maxPixels', 'saveEvery', 'patience', 'minEpochs', 'watchdog'],
    ]);
    expect(results(extract).saved.extra).not.toHaveProperty('recipe');
  },
  TRAINING_TIMEOUT,
);
