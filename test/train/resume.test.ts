/** A run that goes on ends as if it had never stopped, to the bit. */

import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type PhaseMetrics, type Reporter, resumeTraining, type TrainOptions, train } from '../../src/train/index.ts';
import { readCheckpoint } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJson, readJsonLines, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
let runs = 0;
const nextFolder = () => join(root, `run-${runs++}`);
const OPTIONS = {
  ...TINY,
  data,
  batchSize: 4,
  epochs: 3,
  stepSize: 2,
  lr: 0.01,
  pictures: false,
} satisfies TrainOptions;

/** For what does not depend on the mode: its steps and files are smaller. */
const EXTRACT = { ...OPTIONS, mode: 'extract' } as const;

/** The files of a run, without times. */
function results(folder: string) {
  const metrics = readJsonLines<PhaseMetrics>(folder, 'metrics.jsonl');
  return {
    metrics: metrics.map(({ seconds: _, imagesPerSecond: __, ...row }) => row),
    best: readFileSync(join(folder, 'best.safetensors')).toString('base64'),
    last: lastWithoutTimes(folder),
  };
}

/** The tensors of last.safetensors as bytes, and its values without times and starts. */
function lastWithoutTimes(folder: string) {
  const { tensors, metadata } = readCheckpoint(join(folder, 'last.safetensors'));
  const saved = JSON.parse(metadata['dawngrad.training']!);
  const { seconds: _, segments: __, metrics: ___, data: ____, ...extra } = saved.extra;
  const bytes = [...tensors].map(([name, { data: values }]) => [name, Buffer.from(values.buffer).toString('base64')]);
  return { ...saved, extra, best: metadata.best, bytes };
}

/** Runs until the reporter has seen so many steps of an epoch's phase, or its start, then aborts. */
async function stopAt(out: string, epoch: number, phase: 'train' | 'val', steps: number, options: object = {}) {
  const stop = new AbortController();
  const seen = (at: number, which: string, done: number) => {
    if (at === epoch && which === phase && done >= steps) stop.abort();
  };
  const reporter: Reporter = {
    phaseStarted: (at, which) => seen(at, which, 0),
    stepDone: (progress) => seen(progress.epoch, progress.phase, progress.step + 1),
  };
  return train({ ...OPTIONS, ...options, out, reporter, signal: stop.signal });
}

/** An undisturbed run of each mode, once. */
const undisturbed = new Map<string, Promise<ReturnType<typeof results>>>();
function wanted(mode: 'finetune' | 'extract') {
  const known =
    undisturbed.get(mode) ?? train({ ...OPTIONS, mode, out: nextFolder() }).then(({ folder }) => results(folder));
  undisturbed.set(mode, known);
  return known;
}

describe.each([
  ['finetune', 'after the first step', 0, 'train', 1],
  ['finetune', 'in the middle of a later epoch', 1, 'train', 2],
  ['finetune', 'in a val phase', 1, 'val', 0],
  ['extract', 'in the middle of a later epoch', 1, 'train', 2],
] as const)('%s', (mode, name, epoch, phase, steps) => {
  gpuTest(
    `stopped ${name}`,
    async () => {
      const out = nextFolder();
      const { summary } = await stopAt(out, epoch, phase, steps, { mode });
      expect(summary.interrupted).toBe(true);
      await resumeTraining(out, { pictures: false });
      expect(results(out)).toEqual(await wanted(mode));
      expect(existsSync(join(out, '.lock'))).toBe(false);
      const { segments } = readJson<{ segments: { epoch: number }[] }>(out, 'config.json');
      expect(segments.map((segment) => segment.epoch)).toEqual([0, epoch]);
    },
    TRAINING_TIMEOUT,
  );
});

gpuTest(
  'from a state that was saved inside an epoch',
  async () => {
    const [out, copy] = [nextFolder(), nextFolder()];
    let copied = false;
    const reporter: Reporter = {
      stepDone: ({ epoch, phase, step }) => {
        // The save of step 1 was finished before that of step 2 began.
        if (copied || epoch !== 1 || phase !== 'train' || step < 2) return;
        copied = true;
        cpSync(out, copy, { recursive: true, filter: (path) => !path.endsWith('.lock') });
      },
    };
    await train({ ...OPTIONS, saveEvery: 1, out, reporter });
    expect(results(out).metrics).toEqual((await wanted('finetune')).metrics);
    const { extra } = lastWithoutTimes(copy);
    expect(extra.position).toMatchObject({ epoch: 1, phase: 'train' });
    expect(extra.position.done.step).toBeGreaterThan(0);
    await resumeTraining(copy, { pictures: false, saveEvery: 0 });
    const { best, metrics } = results(copy);
    expect({ best, metrics }).toEqual({
      best: (await wanted('finetune')).best,
      metrics: (await wanted('finetune')).metrics,
    });
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a network with dropout goes on with the masks that come next',
  async () => {
    const options = { ...EXTRACT, arch: 'mobilenet_v3_small', epochs: 2, batchSize: 2 } as const;
    const [whole, stopped] = [nextFolder(), nextFolder()];
    await train({ ...options, out: whole });
    await stopAt(stopped, 1, 'train', 1, options);
    expect(lastWithoutTimes(stopped).extra.position.done.words).toBeGreaterThan(0);
    await resumeTraining(stopped, { pictures: false });
    expect(results(stopped)).toEqual(results(whole));
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'with more epochs, after the run has ended',
  async () => {
    const out = nextFolder();
    await train({ ...EXTRACT, epochs: 2, out });
    // Of a process that was killed just behind the end.
    writeFileSync(join(out, '.lock'), `999999999 ${hostname()}\n`);
    await expect(resumeTraining(out)).rejects.toThrow('the run has ended after its 2 epochs; give more with --epochs');
    expect(existsSync(join(out, '.lock'))).toBe(false);
    await expect(resumeTraining(out, { epochs: 1 })).rejects.toThrow('has finished 2, expected more, found 1');
    // As after a crash before the summary.
    rmSync(join(out, 'summary.json'));
    const { summary } = await resumeTraining(out, { pictures: false });
    expect(summary).toMatchObject({ epochs: 2, interrupted: false });
    expect(readJson(out, 'summary.json')).toEqual(summary);
    await resumeTraining(out, { epochs: 3, pictures: false });
    const { metrics, best } = await wanted('extract');
    expect(results(out)).toMatchObject({ metrics, best });
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'is refused where pictures or weights are others, and goes on where they have moved',
  async () => {
    const own = await drawPictures(join(root, 'moving'));
    const out = nextFolder();
    await stopAt(out, 1, 'train', 1, { data: own, mode: 'extract' });
    const picture = join(own, 'train', 'discs', '0.png');
    const bytes = readFileSync(picture);
    writeFileSync(picture, Buffer.concat([bytes, Buffer.from([0])]));
    await expect(resumeTraining(out)).rejects.toThrow('train/discs (6 files, but other names or sizes)');
    rmSync(picture);
    await expect(resumeTraining(out)).rejects.toThrow('train/discs (6 files then, 5 now)');
    writeFileSync(picture, bytes);
    const moved = join(root, 'moved');
    renameSync(own, moved);
    await resumeTraining(out, { data: moved, pictures: false });
    expect(results(out)).toEqual(await wanted('extract'));
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'after a crash between last.safetensors and best.safetensors',
  async () => {
    const [out, before] = [nextFolder(), nextFolder()];
    let epochs = 0;
    const stop = new AbortController();
    const reporter: Reporter = {
      epochEnded: () => {
        epochs++;
        if (epochs === 2) stop.abort();
      },
    };
    await train({ ...EXTRACT, out, reporter, signal: stop.signal });
    const reference = JSON.parse(readCheckpoint(join(out, 'last.safetensors')).metadata.best!);
    cpSync(out, before, { recursive: true });
    // Only if the last epoch is the best are its weights those of last.safetensors.
    if (reference.epoch === 1) {
      writeFileSync(join(out, 'best.safetensors'), 'cut off');
      rmSync(join(out, 'best.safetensors'));
      await resumeTraining(out, { pictures: false });
      expect(results(out)).toEqual(await wanted('extract'));
    }
    const other = readFileSync(join(before, 'last.safetensors'));
    writeFileSync(join(before, 'best.safetensors'), other);
    if (reference.epoch !== 1) await expect(resumeTraining(before)).rejects.toThrow('is not the file that');
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a folder that another process has is refused, and the lock of a dead one taken over',
  async () => {
    const out = nextFolder();
    mkdirSync(out);
    writeFileSync(join(out, '.lock'), `${process.ppid} ${hostname()}\n`);
    await expect(train({ ...EXTRACT, out })).rejects.toThrow(
      `process ${process.ppid} on ${hostname()} is training here`,
    );
    writeFileSync(join(out, '.lock'), `999999999 ${hostname()}\n`);
    await stopAt(out, 0, 'train', 1, EXTRACT);
    expect(existsSync(join(out, '.lock'))).toBe(false);
    // It is locked before it is read: its process may still add to it.
    writeFileSync(join(out, '.lock'), `${process.ppid} ${hostname()}\n`);
    const before = readFileSync(join(out, 'last.safetensors'));
    writeFileSync(join(out, 'last.safetensors'), 'half');
    await expect(resumeTraining(out)).rejects.toThrow(`process ${process.ppid} on ${hostname()} is training here`);
    writeFileSync(join(out, 'last.safetensors'), before);
    // A restarted container gives its processes the same numbers.
    writeFileSync(join(out, '.lock'), `${process.pid} ${hostname()}\n`);
    const twice = resumeTraining(out, { pictures: false });
    await expect(resumeTraining(out)).rejects.toThrow(`process ${process.pid} on ${hostname()} is training here`);
    await twice;
    expect(existsSync(join(out, '.lock'))).toBe(false);
  },
  TRAINING_TIMEOUT,
);
