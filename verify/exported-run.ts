/** A run that was trained in no time, and is fit to be compared: its scores depend on the pictures. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
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
 * Trains a network from nothing, for an epoch.
 * @param data a folder of few pictures, with `train` and `val`
 * @param run its folder
 */
export async function trainBriefly(architecture: string, data: string, run: string): Promise<void> {
  const settings = { data, arch: architecture, weights: 'none', epochs: 1, mode: 'finetune', lr: 0.001 };
  await runTrain(run, flagsOf({ ...settings, 'image-size': SIDE }));
  await settleStatistics(run, join(data, 'val'));
}

const BATCH = 8;

/**
 * Gives the batch norms of a run the statistics that its weights have on pictures: in so few steps theirs stay near 0 and
 * 1, so that in a deep net every picture would get the same scores, and the comparison say nothing.
 */
async function settleStatistics(run: string, folder: string): Promise<void> {
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
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.png'));
    for (let i = 0; i + BATCH <= names.length; i += BATCH) {
      const images = await Promise.all(names.slice(i, i + BATCH).map((name) => pixelsOf(join(folder, name))));
      const batch = Float32Array.from(images.flatMap((values) => [...values]));
      scope(() => noGrad(() => void model.call(Tensor.from(gpu, batch, [BATCH, 3, SIDE, SIDE]))));
    }
    writeSafetensors(path, { tensors: await model.exportState(), metadata: checkpoint.metadata });
  } finally {
    gpu.close();
  }
}

/** [3, SIDE, SIDE], about normalised. */
async function pixelsOf(path: string): Promise<Float32Array> {
  const bytes = await sharp(path).removeAlpha().resize(SIDE, SIDE).raw().toBuffer();
  return Float32Array.from({ length: bytes.length }, (_, i) => {
    const [channel, pixel] = [Math.floor(i / SIDE ** 2), i % SIDE ** 2];
    return (bytes[3 * pixel + channel]! / 255 - 0.45) / 0.225;
  });
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
