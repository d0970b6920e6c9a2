/**
 * Runs and predictors on a device that the caller owns: each uses its own kernel choices. Afterwards the device has its
 * old chooser, record and listener.
 */
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { conv2d, scope, Tensor } from '../../src/autograd/index.ts';
import type { Dispatch, Gpu } from '../../src/gpu/gpu.ts';
import { Chooser } from '../../src/kernels/chooser.ts';
import type { TunedChoices } from '../../src/kernels/work.ts';
import { openPredictor } from '../../src/predict/index.ts';
import { evaluate, type TrainOptions, train } from '../../src/train/index.ts';
import { drawPicture, randomState, writeNet } from '../predict/support.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJson, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

/** A layer of a resnet18 on pictures of 32 pixels. Every adapter can compute it with either variant. */
const LAYER = '64x8x8 -> 64, 3x3 /1 +1';
const [TRAINED, PREDICTED] = [`4x${LAYER}`, `1x${LAYER}`];
/** The layer's weights are frozen in these runs. */
const workOf = (layer: string) => `conv2d forward ${layer} frozen`;

/** Choices for that layer, independent of the tables. */
const tunedTo = (variant: 'tiled' | 'rows'): TunedChoices =>
  new Map([TRAINED, PREDICTED].map((layer) => [workOf(layer), variant]));

const own = new Chooser({ tuned: tunedTo('tiled') });
const opened = await withGpu({ chooser: own });
const { gpuTest } = opened;
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
let runs = 0;

/** Returns the variants that computed a layer while `fn` ran. Fails if the device changed. */
async function watch<T>(layer: string, fn: (gpu: Gpu) => Promise<T>): Promise<{ result: T; variants: string[] }> {
  const { gpu } = opened;
  const record = () => own.works.map((work) => [work.name, own.choices[work.name], own.usesOf(work)]);
  scope(() => {
    conv2d(Tensor.zeros(gpu, [1, 1, 4, 4]), Tensor.zeros(gpu, [1, 1, 3, 3]));
  });
  const before = record();
  const variants: string[] = [];
  const listener = ({ program, label }: Dispatch) => {
    const kernel = /^conv2d_(tiled|rows)(_normalised)?$/.exec(program.name)?.[1];
    if (kernel && label === `forward ${layer}`) variants.push(kernel);
  };
  gpu.onDispatch = listener;
  try {
    const result = await fn(gpu);
    expect(gpu.chooser).toBe(own);
    expect(record()).toEqual(before);
    expect(gpu.onDispatch).toBe(listener);
    return { result, variants };
  } finally {
    gpu.onDispatch = undefined;
  }
}

interface Config {
  readonly kernels: Record<string, string>;
  readonly kernelChoice: { readonly hash: string; readonly fromTuner: number };
}

async function runOn(gpu: Gpu, options: Partial<TrainOptions>): Promise<Config & { folder: string }> {
  const out = join(root, `run-${runs++}`);
  const result = await train({ data, ...TINY, mode: 'extract', epochs: 1, gpu, out, ...options });
  result.model?.dispose();
  return { ...readJson<Config>(result.folder, 'config.json'), folder: result.folder };
}

describe('a run', () => {
  gpuTest(
    'uses the choices that it finds, and the device keeps its own',
    async () => {
      const { result, variants } = await watch(TRAINED, (gpu) => runOn(gpu, { tuned: async () => tunedTo('rows') }));
      expect(result.kernels[workOf(TRAINED)]).toBe('rows');
      expect(result.kernelChoice.fromTuner).toBe(1);
      expect(new Set(variants)).toEqual(new Set(['rows']));
    },
    TRAINING_TIMEOUT,
  );

  gpuTest(
    'without `tuned` uses the device’s choices, and so does `evaluate`',
    async () => {
      const { result, variants } = await watch(TRAINED, (gpu) => runOn(gpu, {}));
      expect(result.kernels[workOf(TRAINED)]).toBe('tiled');
      expect(result.kernelChoice.fromTuner).toBe(1);
      expect(new Set(variants)).toEqual(new Set(['tiled']));
      const weights = join(result.folder, 'best.safetensors');
      const measured = await watch(TRAINED, (gpu) => evaluate({ data, weights, ...TINY, batchSize: 4, gpu }));
      expect(new Set(measured.variants)).toEqual(new Set(['tiled']));
    },
    TRAINING_TIMEOUT,
  );

  gpuTest(
    'beside another on the same device uses its own choices and records them',
    async () => {
      const both = (gpu: Gpu) =>
        Promise.all((['rows', 'tiled'] as const).map((variant) => runOn(gpu, { tuned: async () => tunedTo(variant) })));
      const { result, variants } = await watch(TRAINED, both);
      expect(result.map(({ kernels }) => kernels[workOf(TRAINED)])).toEqual(['rows', 'tiled']);
      expect(result[0]!.kernelChoice.hash).not.toBe(result[1]!.kernelChoice.hash);
      expect(variants.length).toBeGreaterThan(0);
      expect(variants.filter((variant) => variant === 'rows')).toHaveLength(variants.length / 2);
    },
    TRAINING_TIMEOUT,
  );

  gpuTest(
    'that fails leaves the device unchanged too',
    async () => {
      await watch(TRAINED, async (gpu) => {
        const tuned = async () => tunedTo('rows');
        await expect(runOn(gpu, { tuned, lr: 1e30, epochs: 3, mode: 'finetune' })).rejects.toThrow(/loss/i);
      });
    },
    TRAINING_TIMEOUT,
  );
});

describe('two predictors', () => {
  gpuTest(
    'on one device each use their own choices, in turn and at once',
    async () => {
      const weights = writeNet(join(root, 'net.safetensors'), randomState(opened.gpu, 3), { imageSize: '32' });
      const picture = await drawPicture(join(root, 'picture.png'), 2);
      const asked: number[] = [];
      const open = async (variant: 'tiled' | 'rows') => {
        const tuned: TrainOptions['tuned'] = async (_traits, { imageSize, batchSize }) => {
          asked.push(imageSize, batchSize);
          return tunedTo(variant);
        };
        const options = { batchSize: 1, threads: 0, tuned };
        return (await watch(PREDICTED, (gpu) => openPredictor(weights, { ...options, gpu }))).result;
      };
      const predictors = { tiled: await open('tiled'), rows: await open('rows') };
      expect(asked).toEqual([32, 1, 32, 1]);
      const variantsOf = async (...names: (keyof typeof predictors)[]) => {
        const predict = () => Promise.all(names.map((name) => predictors[name].predict([picture])));
        return (await watch(PREDICTED, predict)).variants;
      };
      for (const name of ['tiled', 'rows', 'tiled'] as const) {
        expect(new Set(await variantsOf(name))).toEqual(new Set([name]));
      }
      const together = await variantsOf('tiled', 'rows');
      expect(together.length).toBeGreaterThan(0);
      expect(together.filter((variant) => variant === 'rows')).toHaveLength(together.length / 2);
      for (const predictor of Object.values(predictors)) await predictor.close();
    },
    TRAINING_TIMEOUT,
  );
});
