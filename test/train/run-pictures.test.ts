/** The pictures of a run show the network's inputs and outputs, and a failed picture never fails the run. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Batch, DecoderPool, decode, Generator, valCrop, valTransform } from '../../src/data/index.ts';
import { IMAGENET_INPUT, withCrop } from '../../src/input-spec.ts';
import { readJudgement } from '../../src/judge/index.ts';
import { buildModel, fromScratch } from '../../src/models/start.ts';
import { drawPredictions, drawTrainBatch, pictureOf } from '../../src/pictures/index.ts';
import { numberSettings } from '../../src/plan/index.ts';
import {
  makeLoaders,
  NonFiniteLossError,
  openPictures,
  PICTURE_FILES,
  type Reporter,
  RunFolder,
  type TrainOptions,
  train,
} from '../../src/train/index.ts';
import { RunPictures } from '../../src/train/run-pictures.ts';
import { withGpu } from '../support/gpu.ts';
import { CLASSES, drawPictures, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest, gpu } = await openOnce();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
let runs = 0;

/** Defers access to the device: if the tests are skipped, there is none. */
async function openOnce() {
  const opened = await withGpu();
  return { gpuTest: opened.gpuTest, gpu: () => opened.gpu };
}

interface Told {
  readonly drawn: string[];
  readonly failed: { file: string; message: string }[];
}

/** A reporter that records its calls about pictures. */
function listener(more: Reporter = {}): Reporter & Told {
  const drawn: string[] = [];
  const failed: Told['failed'] = [];
  return {
    ...more,
    drawn,
    failed,
    picturesDrawn: (files) => drawn.push(...files),
    pictureFailed: (file, { message }) => failed.push({ file, message }),
  };
}

const nextFolder = () => join(root, `run-${runs++}`);
const optionsOf = (more: Partial<TrainOptions>): TrainOptions => ({
  data,
  ...TINY,
  gpu: gpu(),
  out: nextFolder(),
  ...more,
});
const ALL = ['train-batch.png', 'curves.png', 'predictions.png', 'confusion.png', 'top-losses.png'];
const pngs = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.png'));

gpuTest(
  'a run draws its first batch and its curves, judges its best weights, and draws what they answer',
  async () => {
    const reporter = listener();
    const options = optionsOf({ epochs: 1, batchSize: 5, reporter });
    const { folder, model, summary, metrics } = await train(options);
    expect(pngs(folder).sort()).toEqual(ALL.toSorted());
    expect(reporter.drawn).toEqual(ALL);
    expect(reporter.failed).toEqual([]);

    const pool = new DecoderPool(0);
    const first = await firstBatch(options, pool);
    const batch = await drawTrainBatch({
      pictures: Array.from(first.labels, (label, i) => ({
        picture: pictureOf(first.images, first.size, i),
        className: CLASSES[label]!,
      })),
      size: 5,
    });
    expect(readFileSync(join(folder, 'train-batch.png')).equals(batch)).toBe(true);

    const { val } = openPictures(data);
    const judgement = readJudgement(join(folder, 'judgement.json'));
    expect(judgement).toMatchObject({ data, split: 'val', weights: 'best.safetensors', epoch: summary.bestEpoch });
    expect(judgement.answers.map(({ path }) => join(data, path))).toEqual(val.samples.map(({ path }) => path));
    expect(judgement.accuracy).toBe(summary.bestValAcc);
    expect(judgement.loss / metrics.at(-1)!.loss).toBeCloseTo(1, 5);
    expect(judgement.answers.map(({ truth }) => truth)).toEqual(
      [...CLASSES].sort().flatMap((name) => new Array(4).fill(name)),
    );

    // Six of eight pictures, evenly spread, as the network sees them.
    const predictions = await Promise.all(
      [0, 2, 3, 4, 6, 7].map(async (index) => {
        const { answer, truth, probability } = judgement.answers[index]!;
        const pixels = valCrop(
          await decode(val.samples[index]!.path),
          valTransform(withCrop(IMAGENET_INPUT, TINY.imageSize)),
        );
        const picture = { width: TINY.imageSize, height: TINY.imageSize, pixels };
        return { picture, predicted: answer, actual: truth, probability };
      }),
    );
    const by = `by the best weights (epoch ${summary.bestEpoch}, val acc ${summary.bestValAcc.toFixed(4)})`;
    const drawn = await drawPredictions({ predictions, by });
    expect(readFileSync(join(folder, 'predictions.png')).equals(drawn)).toBe(true);
    model!.dispose();
    expect(gpu().pool.liveBytes).toBe(0);
  },
  TRAINING_TIMEOUT,
);

/** The first train batch of a run with these options. It draws random values in the run's order. */
async function firstBatch(options: TrainOptions, pool: DecoderPool): Promise<Batch> {
  const settings = numberSettings(options);
  const generator = new Generator(settings.seed);
  buildModel(gpu(), fromScratch(), { classes: 2, mode: 'finetune', random: generator }).dispose();
  const input = withCrop(IMAGENET_INPUT, settings.imageSize);
  for await (const batch of makeLoaders(openPictures(data), { ...settings, input }, generator, pool).train)
    return batch;
  throw new Error('no batch');
}

gpuTest(
  'without pictures the folder has none, and all results are the same',
  async () => {
    const [withPictures, without] = [
      await train(optionsOf({ epochs: 1 })),
      await train(optionsOf({ epochs: 1, pictures: false })),
    ];
    expect(pngs(withPictures.folder)).toHaveLength(ALL.length);
    expect(pngs(without.folder)).toEqual([]);
    const numbers = ({ metrics }: typeof without) => metrics.map(({ loss, acc, lr }) => ({ loss, acc, lr }));
    expect(numbers(withPictures)).toEqual(numbers(without));
    for (const name of ['best.safetensors', 'judgement.json']) {
      const file = ({ folder }: typeof without) => readFileSync(join(folder, name));
      expect(file(withPictures).equals(file(without)), name).toBe(true);
    }
    for (const { model } of [withPictures, without]) model!.dispose();
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'pictures that cannot be written do not affect the run',
  async () => {
    const out = nextFolder();
    // A folder of the same name blocks each picture.
    const started = () => {
      for (const name of Object.values(PICTURE_FILES)) mkdirSync(join(out, name));
    };
    const reporter = listener({ started });
    const { summary, model } = await train(optionsOf({ out, epochs: 1, reporter }));
    expect(summary).toMatchObject({ epochs: 1, interrupted: false });
    expect(reporter.failed.map(({ file }) => file).sort()).toEqual(Object.values(PICTURE_FILES).sort());
    for (const { file, message } of reporter.failed) expect(message).toContain(join(out, file));
    expect(reporter.drawn).toEqual([]);
    for (const name of ['best.safetensors', 'summary.json']) expect(existsSync(join(out, name))).toBe(true);
    // No temporary file stays either.
    expect(readdirSync(out).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    model!.dispose();
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a run that ends early draws the pictures that are possible by then',
  async () => {
    const abort = new AbortController();
    // Six steps: when the first is reported, three or four have been submitted.
    const stopping = { signal: abort.signal, batchSize: 2, reporter: { stepDone: () => abort.abort() } };
    const stopped = await train(optionsOf(stopping));
    expect(stopped.summary).toMatchObject({ epochs: 0, interrupted: true });
    expect(pngs(stopped.folder)).toEqual(['train-batch.png']);
    expect(existsSync(join(stopped.folder, 'judgement.json'))).toBe(false);
    stopped.model!.dispose();

    const later = new AbortController();
    const reporter = { epochEnded: () => later.abort() };
    const epoch = await train(optionsOf({ epochs: 5, signal: later.signal, reporter }));
    expect(epoch.summary).toMatchObject({ epochs: 1, interrupted: true });
    expect(pngs(epoch.folder).sort()).toEqual(ALL.toSorted());
    epoch.model!.dispose();

    const out = nextFolder();
    await expect(train(optionsOf({ out, lr: 1e30 }))).rejects.toThrow(NonFiniteLossError);
    expect(pngs(out)).toEqual(['train-batch.png']);
    expect(gpu().pool.liveBytes).toBe(0);
  },
  TRAINING_TIMEOUT,
);

test('only the first batch is copied, and only the pictures that are shown', async () => {
  const folder = new RunFolder(nextFolder());
  const metrics: [] = [];
  const pictures = new RunPictures({ folder, classes: CLASSES, metrics, best: { epoch: null, acc: 0 } });
  const batch = (size: number, value: number) => ({
    images: new Float32Array(size * 3 * 8 * 8).fill(value),
    labels: new Int32Array(size),
    size,
  });
  const first = batch(40, 0.1);
  pictures.seeBatch(first);
  pictures.seeBatch(batch(40, 0.9));
  const expected = await drawTrainBatch({
    pictures: Array.from({ length: 16 }, (_, i) => ({
      picture: pictureOf(first.images, 40, i),
      className: CLASSES[0],
    })),
    size: 40,
  });
  // The loader writes its next batch to the same memory.
  first.images.fill(0.5);
  await pictures.drawBatch();
  expect(readFileSync(join(folder.path, 'train-batch.png')).equals(expected)).toBe(true);
});

test('curves are drawn on request, and again with new metrics', async () => {
  const folder = new RunFolder(nextFolder());
  const told = listener();
  const metrics = [{ epoch: 0, phase: 'train' as const, loss: 1, acc: 0.5, lr: 0.1 }];
  const pictures = new RunPictures({
    folder,
    classes: CLASSES,
    metrics,
    best: { epoch: null, acc: 0 },
    reporter: told,
  });
  const path = join(folder.path, 'curves.png');
  await pictures.drawCurves();
  const first = readFileSync(path);
  metrics.push({ ...metrics[0]!, epoch: 1, loss: 0.5 });
  await pictures.finish();
  expect(readFileSync(path).equals(first)).toBe(false);
  expect(told.drawn).toEqual(['curves.png']);
});

test('a picture that fails repeatedly is reported once', async () => {
  const folder = new RunFolder(nextFolder());
  mkdirSync(join(folder.path, 'curves.png'));
  const told = listener();
  const metrics = [{ epoch: 0, phase: 'train' as const, loss: 1, acc: 0.5, lr: 0.1 }];
  const pictures = new RunPictures({
    folder,
    classes: CLASSES,
    metrics,
    best: { epoch: null, acc: 0 },
    reporter: told,
  });
  await pictures.drawCurves();
  metrics.push({ ...metrics[0]!, epoch: 1 });
  await pictures.drawCurves();
  expect(told.failed.map(({ file }) => file)).toEqual(['curves.png']);
});
