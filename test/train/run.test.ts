/** Whole runs in both modes on a few small pictures: their files, and that the seed decides the results. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { graphSize } from '../../src/autograd/index.ts';
import type { Chooser } from '../../src/kernels/chooser.ts';
import { CLASSES_KEY } from '../../src/models/start.ts';
import {
  evaluate,
  type PhaseMetrics,
  type RunSummary,
  type StepProgress,
  type TrainOptions,
  type TrainResult,
  train,
} from '../../src/train/index.ts';
import { readSafetensors, writeSafetensors } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { CLASSES, drawPictures, readJson, readJsonLines, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest, gpu } = await openOnce();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
let runs = 0;

/** Defers access to the device: if the tests are skipped, there is none. */
async function openOnce() {
  const opened = await withGpu();
  return { gpuTest: opened.gpuTest, gpu: () => opened.gpu };
}

interface Kept extends TrainResult {
  readonly steps: readonly StepProgress[];
}

/** A run in its own folder on the shared device. It fails if the run leaves memory or a graph on the device. */
async function run(options: Partial<TrainOptions> = {}): Promise<Kept> {
  const steps: StepProgress[] = [];
  const out = join(root, `run-${runs++}`);
  const reporter = { stepDone: (step: StepProgress) => steps.push(step) };
  const result = await train({ data, ...TINY, gpu: gpu(), out, reporter, ...options });
  result.model?.dispose();
  expect(gpu().pool.liveBytes).toBe(0);
  expect(graphSize(gpu())).toBe(0);
  return { ...result, steps };
}

type Entries = ReadonlyMap<string, { readonly data: Float32Array }>;

/** Whether an entry has the same bits in both. vitest's own comparison takes a minute for eleven million values. */
function sameBits(a: Entries, b: Entries, name: string): boolean {
  const [first, second] = [a, b].map((entries) => {
    const { data } = entries.get(name)!;
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  });
  return first!.equals(second!);
}

const withoutTimes = ({ metrics, steps }: Kept) => ({
  metrics: metrics.map(({ epoch, phase, loss, acc, lr }) => ({ epoch, phase, loss, acc, lr })),
  steps: steps.map(({ epoch, phase, step, loss, correct, size }) => ({ epoch, phase, step, loss, correct, size })),
});

gpuTest(
  'fine-tuning writes a folder that describes the run',
  async () => {
    const { folder, metrics, summary, best, steps } = await run({ stepSize: 1 });
    expect(readdirSync(folder).sort()).toEqual([
      'best.safetensors',
      'config.json',
      'confusion.png',
      'curves.png',
      'judgement.json',
      'kernels.json',
      'last.safetensors',
      'metrics.jsonl',
      'predictions.png',
      'report.html',
      'summary.json',
      'top-losses.png',
      'train-batch.png',
    ]);

    const rows = readJsonLines<PhaseMetrics>(folder, 'metrics.jsonl');
    expect(rows).toEqual(metrics);
    expect(rows.map(({ epoch, phase, lr }) => [epoch, phase, lr])).toEqual([
      [0, 'train', 0.001],
      [0, 'val', 0.001],
      [1, 'train', 0.001 * 0.1],
      [1, 'val', 0.001 * 0.1],
    ]);
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(['epoch', 'phase', 'loss', 'acc', 'lr', 'seconds', 'imagesPerSecond']);
      expect(row.imagesPerSecond * row.seconds).toBeCloseTo(row.phase === 'train' ? 12 : 8, 6);
      const own = steps.filter(({ epoch, phase }) => epoch === row.epoch && phase === row.phase);
      expect(own.map(({ size }) => size)).toEqual(row.phase === 'train' ? [4, 4, 4] : [4, 4]);
      const pictures = own.reduce((sum, { size }) => sum + size, 0);
      expect(row.loss).toBe(own.reduce((sum, { loss, size }) => sum + loss * size, 0) / pictures);
      expect(row.acc).toBe(own.reduce((sum, { correct }) => sum + correct, 0) / pictures);
    }

    const accuracies = rows.filter(({ phase }) => phase === 'val').map(({ acc }) => acc);
    const bestValAcc = Math.max(...accuracies);
    expect(bestValAcc).toBeGreaterThan(0);
    expect(readJson<RunSummary>(folder, 'summary.json')).toEqual(summary);
    expect(summary).toMatchObject({
      mode: 'finetune',
      seed: 0,
      bestValAcc,
      bestEpoch: accuracies.indexOf(bestValAcc),
      epochs: 2,
      interrupted: false,
      adapter: gpu().traits.description,
      adapterKind: gpu().traits.kind === 'cpu' ? 'software' : 'hardware',
    });

    const config = readJson<Record<string, unknown>>(folder, 'config.json');
    expect(config).toMatchObject({
      mode: 'finetune',
      ...TINY,
      batchSize: 4,
      lr: 0.001,
      momentum: 0.9,
      stepSize: 1,
      seed: 0,
      classes: CLASSES,
      pictures: { train: 12, val: 8 },
      weights: null,
      lastLayer: 'drawn',
      architecture: 'resnet18',
    });

    const { tensors, metadata } = readSafetensors(join(folder, 'best.safetensors'));
    expect(metadata).toMatchObject({
      format: 'pt',
      [CLASSES_KEY]: JSON.stringify(CLASSES),
      epoch: String(summary.bestEpoch),
      valAcc: String(bestValAcc),
    });
    expect(tensors.size).toBe(122);
    expect(tensors.get('fc.weight')?.shape).toEqual([2, 512]);
    // Three batches per epoch updated the statistics.
    expect(tensors.get('bn1.num_batches_tracked')).toMatchObject({ shape: [], dtype: 'I64' });
    expect(tensors.get('bn1.num_batches_tracked')?.data[0]).toBe(3 * (summary.bestEpoch! + 1));
    for (const name of best.keys()) expect([name, sameBits(tensors, best, name)]).toEqual([name, true]);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'config.json names the kernels that ran',
  async () => {
    const withChooser = vi.spyOn(gpu(), 'withChooser');
    // The report has kernels of its own.
    const { folder } = await run({ imageSize: 48, epochs: 1, pictures: false });
    const [chooser, ...others] = new Set(withChooser.mock.calls.map(([used]) => used as Chooser));
    withChooser.mockRestore();
    const { kernels } = readJson<{ kernels: Record<string, string> }>(folder, 'config.json');
    expect(others).toEqual([]);
    expect(Object.keys(kernels).length).toBeGreaterThan(20);
    expect(kernels).toEqual(chooser!.choices);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'the best weights load with their last layer and give the same validation accuracy',
  async () => {
    const { folder, summary } = await run({ epochs: 3 });
    const weights = join(folder, 'best.safetensors');
    const measured = await evaluate({ data, weights, gpu: gpu(), ...TINY });
    expect(measured.acc).toBe(summary.bestValAcc);
    let told = '';
    const reporter = { started: ({ weights }: { weights: string }) => (told = weights) };
    // With a learning rate of 0, the first validation measures the loaded weights. Only the statistics differ.
    const again = await run({ weights, epochs: 1, lr: 0, reporter });
    expect(told).toMatch(/best\.safetensors \(resnet18\), whole: its last layer has 2 outputs/);
    const loaded = readSafetensors(weights).tensors;
    for (const name of ['fc.weight', 'layer4.1.conv2.weight']) {
      expect([name, sameBits(again.best, loaded, name)]).toEqual([name, true]);
    }
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a run starts from one of several networks in a file, says which, and records the file',
  async () => {
    const first = await run({ mode: 'extract', epochs: 1 });
    const { tensors, metadata } = readSafetensors(join(first.folder, 'best.safetensors'));
    const file = join(root, 'both.safetensors');
    const under = (prefix: string) => Array.from(tensors, ([name, tensor]) => [prefix + name, tensor] as const);
    writeSafetensors(file, { tensors: new Map([...under('student.'), ...under('teacher.')]), metadata });
    let told = '';
    const reporter = { started: ({ weights }: { weights: string }) => (told = weights) };
    const options = { mode: 'extract', epochs: 1, lr: 0, reporter } as const;
    await expect(run({ ...options, weights: file })).rejects.toThrow(/holds 2 networks.*both\.safetensors#student/);
    const { folder, best } = await run({ ...options, weights: `${file}#teacher` });
    expect(told).toMatch(/whole: its last layer has 2 outputs.* Read: only the names below "teacher\."\.$/);
    expect(sameBits(best, tensors, 'fc.weight')).toBe(true);
    const { weights } = readJson<{ weights: { file: string; sha256: string } }>(join(folder, 'config.json'));
    expect(weights.file).toBe(`${file}#teacher`);
    expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toContain(weights.sha256);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'feature extraction changes the last layer and the statistics, and no bit of the other parameters',
  async () => {
    const first = await run({ mode: 'extract', epochs: 1, lr: 0.01 });
    const weights = join(first.folder, 'best.safetensors');
    const start = readSafetensors(weights).tensors;
    const { best, summary } = await run({ mode: 'extract', epochs: 1, lr: 0.01, weights });
    expect(summary).toMatchObject({ mode: 'extract', bestEpoch: 0 });
    const changed = (name: string) => !sameBits(best, start, name);
    for (const name of best.keys()) {
      const moves = /^fc\.|running_(mean|var)$|num_batches_tracked$/.test(name);
      expect([name, changed(name)]).toEqual([name, moves]);
    }
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'the same seed gives the same bits for any number of decoder threads; another seed gives others',
  async () => {
    const results = [];
    for (const threads of [0, 1, 4]) results.push(await run({ threads, epochs: 2, batchSize: 5 }));
    const [first, ...others] = results;
    // 12 train and 8 val pictures in fives: the last batches hold 2 and 3.
    expect(first!.steps.slice(0, 5).map(({ size }) => size)).toEqual([5, 5, 2, 5, 3]);
    const digest = ({ folder }: TrainResult) =>
      createHash('sha256')
        .update(readFileSync(join(folder, 'best.safetensors')))
        .digest('hex');
    for (const other of others) {
      expect(withoutTimes(other)).toEqual(withoutTimes(first!));
      expect(digest(other)).toBe(digest(first!));
    }
    const otherSeed = await run({ seed: 1, threads: 1, epochs: 2, batchSize: 5 });
    expect(withoutTimes(otherSeed)).not.toEqual(withoutTimes(first!));
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'an abort keeps the best weights so far and marks the summary as interrupted',
  async () => {
    const abort = new AbortController();
    const reporter = {
      stepDone: ({ epoch, phase }: StepProgress) => {
        // An epoch has six steps: when the first is reported, three or four have been submitted.
        if (epoch === 1 && phase === 'train') abort.abort();
      },
    };
    const { folder, summary, metrics } = await run({
      epochs: 25,
      batchSize: 2,
      signal: abort.signal,
      reporter,
    });
    expect(summary).toMatchObject({ epochs: 1, interrupted: true, bestEpoch: 0, bestValAcc: metrics[1]!.acc });
    expect(readJson<RunSummary>(folder, 'summary.json')).toEqual(summary);
    expect(readJsonLines(folder, 'metrics.jsonl')).toHaveLength(2);
    expect(readSafetensors(join(folder, 'best.safetensors')).metadata).toMatchObject({ epoch: '0' });
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a run that stops before the end of its first epoch keeps its initial weights',
  async () => {
    const abort = new AbortController();
    const { folder, summary, metrics } = await run({
      signal: abort.signal,
      reporter: { started: () => abort.abort() },
    });
    expect(summary).toMatchObject({ epochs: 0, interrupted: true, bestEpoch: null, bestValAcc: 0 });
    expect(metrics).toEqual([]);
    expect(existsSync(join(folder, 'metrics.jsonl'))).toBe(false);
    const { tensors, metadata } = readSafetensors(join(folder, 'best.safetensors'));
    expect(metadata).toMatchObject({ epoch: 'before training' });
    expect(tensors.get('bn1.num_batches_tracked')?.data[0]).toBe(0);
  },
  TRAINING_TIMEOUT,
);

gpuTest('an abort before the first step throws its reason and writes nothing', async () => {
  const reason = new Error('not today');
  const out = join(root, 'aborted-early');
  await expect(run({ signal: AbortSignal.abort(reason), out })).rejects.toBe(reason);
  expect(existsSync(out)).toBe(false);
});
