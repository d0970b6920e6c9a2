/** A network's own input through a run: recorded, gone on with, and obeyed by whatever reads the weights. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { IMAGENET_INPUT, type InputSpec } from '../../src/input-spec.ts';
import { readJudgement } from '../../src/judge/index.ts';
import { openPredictor } from '../../src/predict/index.ts';
import { readRun, reportOf } from '../../src/report/index.ts';
import { inputOf } from '../../src/report/run-record.ts';
import { evaluate, resumeTraining, train } from '../../src/train/index.ts';
import { networkKey } from '../../src/train/probe/keys.ts';
import { planRun } from '../../src/train/set-up.ts';
import { readSafetensors } from '../../src/weights/index.ts';
import { randomState, writeNet } from '../predict/support.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJson, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));

/** Unlike any that torchvision has. */
const INPUT: InputSpec = {
  ...{ resize: 40, crop: 32, interpolation: 'bicubic' },
  ...{ mean: [0.5, 0.4, 0.3], std: [0.25, 0.5, 1] },
};
const shared = { gpu, data, threads: 1 } as const;
const { imageSize: _, ...SMALL } = TINY;

gpuTest(
  'a run takes the input from the weights, keeps it, goes on with it, and predicts by it',
  async () => {
    const weights = writeNet(join(root, 'net.safetensors'), randomState(gpu, 5), { input: JSON.stringify(INPUT) });
    const folder = join(root, 'run');
    const options = { ...shared, ...SMALL, weights, mode: 'extract', lr: 0.01, pictures: false, out: folder } as const;
    (await train({ ...options, epochs: 1 })).model?.dispose();
    const before = readFileSync(join(folder, 'best.safetensors'));
    const { summary, metrics, model } = await resumeTraining(folder, { gpu, threads: 1, epochs: 2, pictures: false });
    model?.dispose();
    expect(readJson(folder, 'config.json')).toMatchObject({ imageSize: 32, input: INPUT });
    const best = join(folder, 'best.safetensors');
    const { metadata } = readSafetensors(best);
    expect(metadata).toMatchObject({ imageSize: '32', input: JSON.stringify(INPUT) });
    expect(before.length).toBe(readFileSync(best).length);

    const row = metrics.find(({ epoch, phase }) => phase === 'val' && epoch === summary.bestEpoch)!;
    const measured = await evaluate({ ...shared, weights: folder });
    expect(measured.loss).toBeCloseTo(row.loss, 5);
    // The same weights on pictures of the tutorial's input are another thing.
    const plain = writeNet(join(root, 'plain.safetensors'), new Map(readSafetensors(best).tensors), {
      ...{ imageSize: '32', classes: metadata.classes! },
    });
    expect((await evaluate({ ...shared, weights: plain })).loss).not.toBeCloseTo(row.loss, 3);

    const judgement = readJudgement(join(folder, 'judgement.json'));
    const predictor = await openPredictor(folder, { gpu, threads: 1 });
    expect(predictor.input).toEqual(INPUT);
    const predictions = await predictor.predict(judgement.answers.map(({ path }) => join(data, path)));
    for (const [i, { top }] of predictions.entries()) {
      expect(top[0].probability).toBeCloseTo(judgement.answers[i]!.probability, 5);
    }
    await predictor.close();
    const larger = await openPredictor(folder, { gpu, threads: 1, imageSize: 64 });
    expect(larger.input).toEqual({ ...INPUT, crop: 64, resize: 80 });
    await larger.close();

    const record = readRun(folder);
    expect(inputOf(record.config)).toEqual(INPUT);
    const html = await reportOf(record, {});
    for (const text of ['Shorter side before the crop, pixels', 'bicubic', '0.5, 0.4, 0.3'])
      expect(html).toContain(text);
    const damaged = join(root, 'damaged');
    mkdirSync(damaged);
    const config = readJson<{ input: object }>(folder, 'config.json');
    writeFileSync(
      join(damaged, 'config.json'),
      JSON.stringify({ ...config, input: { ...config.input, interpolation: 'nearest' } }),
    );
    expect(() => readRun(damaged)).toThrow(/config\.json: is damaged \(input: is no input of a network\)/);
  },
  TRAINING_TIMEOUT,
);

gpuTest('without a size a run sees pictures as its weights have; with one in the same ratio', async () => {
  const state = randomState(gpu, 5);
  const planned = async (metadata: Record<string, string>, imageSize?: number) => {
    const weights = writeNet(join(root, 'sized.safetensors'), state, metadata);
    const { settings, input } = await planRun({ data, weights, imageSize }, 'extract');
    expect(settings.imageSize).toBe(input.crop);
    return input;
  };
  expect(await planned({})).toEqual(IMAGENET_INPUT);
  expect(await planned({ imageSize: '48' })).toEqual({ ...IMAGENET_INPUT, crop: 48, resize: 55 });
  expect(await planned({ imageSize: '48' }, 224)).toEqual(IMAGENET_INPUT);
  expect(await planned({ input: JSON.stringify(INPUT) }, 64)).toEqual({ ...INPUT, crop: 64, resize: 80 });
  const { settings, input } = await planRun({ data, imageSize: 160 }, 'extract');
  expect([settings.imageSize, input.resize]).toEqual([160, 183]);
});

gpuTest('features are kept under another name for each input', () => {
  const facts = {
    start: { architecture: 'resnet18', checkpoint: { tensors: new Map(), metadata: {} } },
    ...{ ignoreOrientation: false, traits: gpu.traits, convolutions: {} },
  } as const;
  const keys = [INPUT, { ...INPUT, interpolation: 'bilinear' as const }, { ...INPUT, resize: 41 }].map((input) =>
    networkKey({ ...facts, input }),
  );
  expect(new Set(keys).size).toBe(keys.length);
});
