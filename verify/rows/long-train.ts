/** A run of many thousand steps that saves each epoch. */
import { join } from 'node:path';
import { ended, flat, sampled } from '../flat.ts';
import { writePictures } from '../kills/runs.ts';
import { megabytes, type Row } from '../row.ts';
import type { EpochSample, TrainEnd } from '../train-loop.ts';

const STEPS = 20_000;
const STEPS_PER_EPOCH = 50;
const BATCH_SIZE = 2;
/** The step from which on everything should be flat. */
const SETTLED = 2000;

export const longTrain: Row = {
  name: 'long-train',
  title: `${STEPS} steps of a small run through train, saving each of its ${STEPS / STEPS_PER_EPOCH} epochs`,
  minutes: 20,
  ci: false,
  alone: true,
  run: async ({ scratch }) => {
    const perClass = (STEPS_PER_EPOCH * BATCH_SIZE) / 2;
    const data = writePictures(join(scratch, 'data'), { train: perClass, val: BATCH_SIZE });
    const args = [data, join(scratch, 'run'), `${STEPS / STEPS_PER_EPOCH}`];
    const run = await sampled<EpochSample, TrainEnd>('train-loop.ts', args);
    const counts = ['allocatedBytes', 'bindGroups', 'openReadbacks', 'openFiles', 'threads'] as const;
    return [
      ended('train', run, STEPS),
      flat('resident memory', run.samples, SETTLED, ({ rss }) => rss, megabytes),
      ...counts.map((name) => flat(name, run.samples, SETTLED, (sample) => sample[name])),
    ];
  },
};
