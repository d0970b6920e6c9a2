/** Whole probes on a few small pictures: their folders, the cache, views, and how they end. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { graphSize } from '../../../src/autograd/index.ts';
import { Generator } from '../../../src/data/index.ts';
import { readJudgement } from '../../../src/judge/index.ts';
import { resnet18 } from '../../../src/models/index.ts';
import {
  BrokenPicturesError,
  evaluate,
  type FeatureProgress,
  resumeTraining,
  type TrainOptions,
  type TrainResult,
  train,
} from '../../../src/train/index.ts';
import { readEvents } from '../../../src/train/tensorboard/events.ts';
import { TensorBoardReporter } from '../../../src/train/tensorboard/reporter.ts';
import { readSafetensors, writeSafetensors } from '../../../src/weights/index.ts';
import { withGpu } from '../../support/gpu.ts';
import { CLASSES, drawPictures, readJson, readJsonLines, TRAINING_TIMEOUT, temporaryFolder } from '../support.ts';

const opened = await withGpu();
const { gpuTest } = opened;
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
const weights = join(root, 'weights.safetensors');
const PICTURES = 20;
let runs = 0;

/** A network of the size that the probe takes, once; of other weights in every case it would take seconds. */
async function writeWeights(): Promise<void> {
  if (existsSync(weights)) return;
  const model = resnet18(opened.gpu, { random: new Generator(5) });
  writeSafetensors(weights, { tensors: await model.exportState(), metadata: {} });
  model.dispose();
}

interface Kept extends TrainResult {
  readonly progress: readonly FeatureProgress[];
  readonly notes: readonly string[];
}

/** A probe in its own folder on the shared device, with its own cache unless one is named. */
async function probe(options: Partial<TrainOptions> = {}, cache = join(root, `cache-${runs}`)): Promise<Kept> {
  await writeWeights();
  vi.stubEnv('DAWNGRAD_CACHE', cache);
  const [progress, notes]: [FeatureProgress[], string[]] = [[], []];
  const reporter = {
    featuresComputed: (now: FeatureProgress) => progress.push(now),
    cacheNote: (text: string) => notes.push(text),
  };
  const given = { data, weights, mode: 'probe', imageSize: 32, threads: 1, epochs: 4, pictures: false } as const;
  try {
    const result = await train({ ...given, gpu: opened.gpu, out: join(root, `run-${runs++}`), reporter, ...options });
    result.model?.dispose();
    return { ...result, progress, notes };
  } finally {
    vi.unstubAllEnvs();
    expect(opened.gpu.pool.liveBytes).toBe(0);
    expect(graphSize(opened.gpu)).toBe(0);
  }
}

const numbersOf = ({ metrics }: Kept) => metrics.map(({ epoch, phase, loss, acc }) => ({ epoch, phase, loss, acc }));

gpuTest(
  'TensorBoard gets the settings and every epoch',
  async () => {
    const failures: string[] = [];
    const reporter = new TensorBoardReporter({ onFailure: (reason) => failures.push(reason) });
    const { folder } = await probe({ reporter, epochs: 2 });
    reporter.close();
    expect(failures).toEqual([]);
    const [file] = readdirSync(folder).filter((name) => name.startsWith('events.out.tfevents.'));
    const tags = [...readEvents(readFileSync(join(folder, file!)))].flatMap((event) => event.tags);
    expect(tags).toEqual(expect.arrayContaining(['settings', 'loss/train', 'acc/val']));
    expect(tags.filter((tag) => tag === 'loss/val')).toHaveLength(2);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a probe leaves a folder like that of a run, says what it is, and its weights are as good as it says',
  async () => {
    const { folder, metrics, summary, best, progress } = await probe({ pictures: true });
    expect(readdirSync(folder).sort()).toEqual([
      ...[
        'best.safetensors',
        'config.json',
        'confusion.png',
        'curves.png',
        'judgement.json',
        'kernels.json',
        'metrics.jsonl',
      ],
      ...['predictions.png', 'report.html', 'summary.json', 'top-losses.png'],
    ]);
    expect(readJsonLines(folder, 'metrics.jsonl')).toEqual(metrics);
    expect(metrics.map(({ epoch, phase }) => `${epoch} ${phase}`)).toEqual(
      [0, 1, 2, 3].flatMap((epoch) => [`${epoch} train`, `${epoch} val`]),
    );
    expect(metrics.at(-2)!.loss).toBeLessThan(metrics[0]!.loss);
    expect(readJson(folder, 'summary.json')).toEqual(summary);
    expect(summary).toMatchObject({ mode: 'probe', notTutorial: true, epochs: 4, interrupted: false });
    expect(readJson(folder, 'config.json')).toMatchObject({
      ...{ mode: 'probe', views: 1, lr: 0.02, weightDecay: 0.1, batchSize: 8, classes: CLASSES, lastLayer: 'drawn' },
      notTutorial: expect.stringContaining('linear probe'),
      featureCache: expect.stringContaining(join('features', '')),
    });
    expect(readJson<object>(folder, 'config.json')).not.toHaveProperty('stepSize');
    expect(progress.at(-1)).toMatchObject({ done: PICTURES, total: PICTURES, cached: 0 });
    const saved = readSafetensors(join(folder, 'best.safetensors'));
    expect(saved.metadata).toMatchObject({ mode: 'probe', imageSize: '32', valAcc: String(summary.bestValAcc) });
    expect(saved.tensors.get('fc.weight')!.data).toEqual(best.get('fc.weight')!.data);
    const given = readSafetensors(weights).tensors.get('layer4.1.conv2.weight')!;
    expect(Buffer.from(saved.tensors.get('layer4.1.conv2.weight')!.bytes!).equals(Buffer.from(given.bytes!))).toBe(
      true,
    );
    const measured = await evaluate({
      ...{ data, weights: join(folder, 'best.safetensors'), imageSize: 32, threads: 1, gpu: opened.gpu },
    });
    expect(measured.acc).toBe(summary.bestValAcc);
    const row = metrics.find(({ epoch, phase }) => phase === 'val' && epoch === summary.bestEpoch)!;
    expect(measured.loss).toBeCloseTo(row.loss, 4);
    const judgement = readJudgement(join(folder, 'judgement.json'));
    expect(judgement).toMatchObject({ accuracy: summary.bestValAcc, epoch: summary.bestEpoch });
    expect(judgement.loss).toBeCloseTo(row.loss, 4);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'the cache has what was computed: the same numbers again, only new pictures and views are computed, or nothing kept',
  async () => {
    const cache = join(root, 'shared-cache');
    const first = await probe({}, cache);
    const again = await probe({}, cache);
    expect(again.progress.at(-1)).toMatchObject({ done: PICTURES, cached: PICTURES });
    expect(numbersOf(again)).toEqual(numbersOf(first));
    expect(again.best.get('fc.weight')!.data).toEqual(first.best.get('fc.weight')!.data);

    const moved = await drawPictures(join(root, 'moved'));
    rmSync(join(moved, 'train', 'discs', '0.png'));
    mkdirSync(join(root, 'fresh'));
    await drawPictures(join(root, 'fresh'), 9);
    copyFileSync(join(root, 'fresh', 'val', 'discs', '1.png'), join(moved, 'train', 'discs', 'new.png'));
    const other = await probe({ data: moved }, cache);
    expect(other.progress.at(-1)).toMatchObject({ done: PICTURES, cached: PICTURES - 1 });

    const train = 12;
    const views = await probe({ views: 3 }, cache);
    expect(views.progress.at(-1)).toMatchObject({ done: PICTURES + 2 * train, cached: PICTURES });
    const same = await probe({ views: 3 }, join(root, 'other-cache'));
    expect(numbersOf(same)).toEqual(numbersOf(views));

    const light = await probe(
      { views: 2, seed: 1, augment: 'light', classWeights: 'balanced', labelSmoothing: 0.1 },
      cache,
    );
    expect(light.progress.at(-1)).toMatchObject({ done: PICTURES + train, cached: PICTURES });
    expect(readJson(light.folder, 'config.json')).toMatchObject({
      ...{ augment: 'light', classWeights: { discs: 1, stripes: 1 }, labelSmoothing: 0.1 },
    });

    const none = join(root, 'no-cache');
    const without = await probe({ featureCache: false }, none);
    expect(existsSync(none)).toBe(false);
    expect(numbersOf(without)).toEqual(numbersOf(first));
    expect(readJson(without.folder, 'config.json')).toMatchObject({ featureCache: null });
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a stopped probe keeps what it has computed, and the next one goes on from there; --resume says so',
  async () => {
    const cache = join(root, 'stopped-cache');
    const stop = new AbortController();
    const out = join(root, 'stopped');
    const reporter = {
      featuresComputed: ({ done }: FeatureProgress) => {
        if (done > 0) stop.abort(new Error('stopped'));
      },
    };
    const stopped = probe({ signal: stop.signal, reporter, batchSize: 4, out }, cache);
    await expect(stopped).rejects.toThrow('stopped');
    expect(existsSync(out)).toBe(false);
    const next = await probe({ batchSize: 4, out }, cache);
    expect(next.progress[0]!.cached).toBeGreaterThanOrEqual(4);
    expect(next.progress[0]!.cached).toBeLessThan(PICTURES);
    expect(next.summary.interrupted).toBe(false);
    await expect(resumeTraining(out)).rejects.toThrow(/stopped: is a linear probe, which saves no state.*--mode probe/);

    const late = new AbortController();
    const atSecond = { epochEnded: (epoch: number) => epoch === 1 && late.abort(new Error('late')) };
    const { summary, folder, metrics } = await probe({ signal: late.signal, reporter: atSecond }, cache);
    expect(summary).toMatchObject({ interrupted: true, epochs: 2 });
    expect(metrics).toHaveLength(4);
    expect(existsSync(join(folder, 'best.safetensors'))).toBe(true);

    const patient = await probe({ epochs: 60, patience: 2, lr: 0 }, cache);
    expect(patient.summary).toMatchObject({ stoppedEarly: true, interrupted: false, epochs: 3 });
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'broken pictures end it before its pass, all named, or are left out',
  async () => {
    const broken = await drawPictures(join(root, 'broken'));
    writeFileSync(join(broken, 'train', 'discs', '2.png'), 'no picture');
    writeFileSync(join(broken, 'val', 'stripes', '1.png'), '');
    const failed = probe({ data: broken });
    await expect(failed).rejects.toThrow(BrokenPicturesError);
    await expect(failed).rejects.toThrow(/2 of 20 pictures.*discs\/2\.png.*stripes\/1\.png/s);
    const { summary, progress, folder } = await probe({ data: broken, skipBroken: true });
    expect(summary.skipped).toEqual(['train/discs/2.png', 'val/stripes/1.png']);
    expect(progress.at(-1)).toMatchObject({ done: PICTURES - 2, total: PICTURES - 2 });
    expect(readJson(folder, 'config.json')).toMatchObject({ pictures: { train: 11, val: 7 } });
  },
  TRAINING_TIMEOUT,
);

gpuTest('refuses what it cannot do', async () => {
  const message = async (options: Partial<TrainOptions>) =>
    probe(options).then(
      () => 'no error',
      (error: Error) => error.message,
    );
  expect(await message({ weights: undefined })).toMatch(/mode 'probe' needs those of a trained network/);
  expect(await message({ stepSize: 3 })).toBe("stepSize: means nothing to mode 'probe'; leave it out");
  expect(await message({ mixup: 0.2 })).toBe("mixup: means nothing to mode 'probe'; leave it out");
  expect(await message({ minEpochs: 3 })).toBe(
    'minEpochs: does nothing without patience; give that too, or leave it out',
  );
  expect(await message({ augment: 'light' })).toMatch(/only views beside the centre are augmented; ask for views/);
  expect(await message({ augment: 'none', views: 2 })).toMatch(/all views are the same/);
  expect(await message({ views: 0 })).toBe('views: expected a whole number from 1 to 64, found 0');
  expect(await message({ mode: 'extract', views: 2 })).toBe("views: is only for mode 'probe'; leave it out");
});
