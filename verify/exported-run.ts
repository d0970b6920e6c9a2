/** A run that was trained in no time, and is fit to be compared: its scores depend on the pictures. */

import { join } from 'node:path';
import { noGrad, scope, Tensor } from '../src/autograd/index.ts';
import { openGpu } from '../src/gpu/dawn.ts';
import { netOf } from '../src/models/registry.ts';
import { architectureOf, buildModel, outputsOf } from '../src/models/start.ts';
import { BatchNorm2d } from '../src/nn/index.ts';
import { openPredictor } from '../src/predict/index.ts';
import { Generator } from '../src/random/mt19937.ts';
import { BEST_WEIGHTS, readCheckpoint, writeSafetensors } from '../src/weights/index.ts';
import { flagsOf } from './processes.ts';
import { runTrain } from './train-run.ts';

/** Side of the square that such a run sees, pixels. */
export const SIDE = 96;

/**
 * Trains a network from nothing, for two epochs.
 * @param data a folder of few pictures
 * @param run its folder
 */
export async function trainBriefly(architecture: string, data: string, run: string): Promise<void> {
  const settings = { data, arch: architecture, weights: 'none', epochs: 2, mode: 'finetune', lr: 0.001 };
  await runTrain(run, flagsOf({ ...settings, 'image-size': SIDE }));
  await settleStatistics(run);
}

const NOISE_BATCHES = 3;
const NOISE_BATCH = 8;

/**
 * Gives the batch norms of a run the statistics that its weights have, on noise: in so few steps theirs stay near 0 and 1,
 * so that in a deep net every picture would get the same scores, and the comparison say nothing.
 */
async function settleStatistics(run: string): Promise<void> {
  const path = join(run, BEST_WEIGHTS);
  const checkpoint = readCheckpoint(path);
  const architecture = architectureOf(path, checkpoint);
  const gpu = await openGpu();
  try {
    const start = { architecture, checkpoint, loadsLastLayer: true, description: path };
    const random = new Generator(2);
    const classes = outputsOf(netOf(architecture), checkpoint)!;
    const model = buildModel(gpu, start, { classes, mode: 'finetune', random }).train();
    for (const [, norm] of model.namedModules()) {
      if (!(norm instanceof BatchNorm2d)) continue;
      // The mean over all batches.
      Object.assign(norm, { momentum: null });
      norm.batchesTracked.value = 0;
    }
    const noise = new Float32Array(NOISE_BATCH * 3 * SIDE * SIDE);
    for (let i = 0; i < NOISE_BATCHES; i++) {
      const shape = [NOISE_BATCH, 3, SIDE, SIDE];
      scope(() => noGrad(() => void model.call(Tensor.from(gpu, random.fillNormal(noise), shape))));
    }
    writeSafetensors(path, { tensors: await model.exportState(), metadata: checkpoint.metadata });
  } finally {
    gpu.close();
  }
}

/** The scores that predict computes, of each picture. */
export async function scoresOf(run: string, pictures: readonly string[]): Promise<number[][]> {
  const predictor = await openPredictor(run);
  try {
    const rows: number[][] = [];
    for await (const one of predictor.scores(pictures)) {
      if ('error' in one) throw one.error;
      rows.push([...one.scores]);
    }
    return rows;
  } finally {
    await predictor.close();
  }
}
