/**
 * Frozen blocks, two rates, AdamW, schedules, warm-up, clipped and accumulated gradients: some ten steps of a ResNet-18
 * with these options against PyTorch, and stopped and resumed to the same bits.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type PhaseMetrics,
  resumeTraining,
  type StepProgress,
  type TrainOptions,
  train,
} from '../../src/train/index.ts';
import { readCheckpoint } from '../../src/weights/index.ts';
import { all, atMost, type Context, type Outcome, type Row, scientific } from '../row.ts';
import { runScript } from '../tensors.ts';

const SHARED = { epochs: 3, batchSize: 4, imageSize: 96, workers: 0, seed: 3, lr: 1e-3 } as const;

/** 12 pictures: three batches of 4, or two of 5 and one of 2. */
const CASES: readonly Partial<TrainOptions>[] = [
  { unfreeze: 'layer4', schedule: 'cosine', lr: 5e-4 },
  { freezeEpochs: 1, lrBackbone: 1e-5, stepSize: 2, gamma: 0.5 },
  { optimizer: 'adamw', schedule: 'onecycle', unfreeze: 'layer4', lr: 1e-4, lrBackbone: 1e-5 },
  { accumulate: 2, gradClip: 0.5, warmup: 1, batchSize: 5 },
  { mode: 'extract', optimizer: 'adamw', accumulate: 2, batchSize: 5, schedule: 'cosine' },
];

/** Those that are stopped and go on: after so many steps of an epoch. */
const STOPS = [
  { of: 1, epoch: 0, step: 0 },
  { of: 2, epoch: 1, step: 0 },
  { of: 3, epoch: 1, step: 0 },
];

/** Pictures of each class in each phase. */
const PICTURES = { train: 6, val: 2 } as const;

interface TorchRun {
  readonly losses: readonly number[];
  /** By epoch and group. */
  readonly rates: readonly (readonly number[])[];
}

export const trainingOptions: Row = {
  name: 'training-options',
  title:
    'frozen blocks, rates, optimizers, schedules, clipping, accumulation: nine steps each against PyTorch; resumed: same bits',
  minutes: 2,
  ci: true,
  run: compare,
};

async function compare(context: Context): Promise<Outcome[]> {
  const data = somePictures(context);
  const cases = CASES.map((one) => ({ ...SHARED, ...one }));
  const [file, out] = [join(context.scratch, 'cases.json'), join(context.scratch, 'torch.json')];
  writeFileSync(file, JSON.stringify(cases));
  runScript(context, 'verify/python/training_options.py', [file, data, context.weights, out]);
  const torch = JSON.parse(readFileSync(out, 'utf8')) as TorchRun[];
  const worst = { losses: 0, rates: 0 };
  const folders: string[] = [];
  const optionsOf = (number: number): TrainOptions => {
    return { ...cases[number]!, data, weights: context.weights, pictures: false };
  };
  for (const [number, expected] of torch.entries()) {
    const folder = join(context.scratch, `run-${number}`);
    const losses: number[] = [];
    const stepDone = ({ phase, loss }: StepProgress) => {
      if (phase === 'train') losses.push(loss);
    };
    const { metrics } = await train({ ...optionsOf(number), out: folder, reporter: { stepDone } });
    folders.push(folder);
    const error = largest(losses, expected.losses);
    console.log(`  ${titleOf(CASES[number]!)}: ${scientific(error)}`);
    worst.losses = Math.max(worst.losses, error);
    worst.rates = Math.max(worst.rates, largest(ratesOf(metrics), expected.rates.flat()));
  }
  let equal = 0;
  for (const stop of STOPS) {
    const folder = join(context.scratch, `stopped-${stop.of}`);
    const signal = new AbortController();
    const stepDone = ({ phase, epoch, step }: StepProgress) => {
      if (phase === 'train' && epoch === stop.epoch && step === stop.step) signal.abort();
    };
    const reporter = { stepDone };
    await train({ ...optionsOf(stop.of), saveEvery: 0, out: folder, reporter, signal: signal.signal });
    await resumeTraining(folder, { pictures: false });
    if (bits(folder) === bits(folders[stop.of]!)) equal++;
  }
  return [
    atMost('loss of a train step, relative difference, worst', worst.losses, 1e-5, scientific),
    atMost('learning rates, relative difference, worst', worst.rates, 1e-12, scientific),
    all('stopped inside an epoch (accumulating, frozen, in one cycle) and resumed to equal bits', equal, STOPS.length),
  ];
}

/** A folder with the first pictures of each class. */
function somePictures({ data, scratch }: Context): string {
  const folder = join(scratch, 'data');
  for (const [phase, count] of Object.entries(PICTURES)) {
    for (const name of readdirSync(join(data, phase)).sort()) {
      const from = join(data, phase, name);
      mkdirSync(join(folder, phase, name), { recursive: true });
      const files = readdirSync(from).filter((file) => /\.jpe?g$/i.test(file));
      for (const file of files.sort().slice(0, count)) cpSync(join(from, file), join(folder, phase, name, file));
    }
  }
  return folder;
}

/** The largest |a / b − 1|; infinite if one is missing. */
function largest(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  const errors = found.map((value, i) => (value === expected[i] ? 0 : Math.abs(value / expected[i]! - 1)));
  return Math.max(...errors.map((error) => (error >= 0 ? error : Number.POSITIVE_INFINITY)));
}

function ratesOf(metrics: readonly PhaseMetrics[]): number[] {
  return metrics
    .filter(({ phase }) => phase === 'train')
    .flatMap(({ lr, lrBackbone }) => (lrBackbone === undefined ? [lr] : [lrBackbone, lr]));
}

/** All tensors of the run's end, and its losses. */
function bits(folder: string): string {
  const { tensors } = readCheckpoint(join(folder, 'last.safetensors'));
  const rows = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const metrics = rows.map((row) => {
    const { seconds: _, imagesPerSecond: __, ...rest } = JSON.parse(row) as PhaseMetrics;
    return rest;
  });
  return JSON.stringify([
    metrics,
    [...tensors].map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    ]),
    readFileSync(join(folder, 'best.safetensors')).toString('base64'),
  ]);
}

function titleOf(options: Partial<TrainOptions>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
