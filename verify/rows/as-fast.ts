/** How near the software adapter comes to PyTorch's CPU build, and what becomes of it in whole runs. Keep the machine quiet. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareTfjs, type Work } from '../../bench/compare.ts';
import { runBench } from '../../bench/run.ts';
import { median } from '../../bench/statistics.ts';
import { BLOCK, Steps } from '../../bench/steps.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Context, Outcome, Row } from '../row.ts';
import { times } from '../row.ts';
import { runScript } from '../tensors.ts';
import { type Metric, runTrain } from '../train-run.ts';
import { besidePyTorch } from './speed.ts';

const STEPS = 24;
const BARS: Record<Work, number> = { 'finetune-step': 2, 'extract-step': 2.5, 'eval-forward': 2.5 };

export const asFast: Row = {
  name: 'as-fast',
  title: 'steps at batch 4 beside PyTorch’s in the same run, in turns',
  minutes: 3,
  ci: false,
  run: (context) => besidePyTorch(context, BARS, STEPS),
};

export const asFastTfjs: Row = {
  name: 'as-fast-tfjs',
  title: 'the fine-tuning step beside TensorFlow.js’s on the same adapter (`npm ci` in bench/peers first)',
  minutes: 4,
  ci: false,
  run: async () => {
    const [pairing] = await compareTfjs();
    const { oursMs, tfjsMs, ratio } = pairing!;
    return [atLeast(`TensorFlow.js's ${tfjsMs.toFixed(0)} ms to our ${oursMs.toFixed(0)} ms`, 1 / ratio, 40)];
  },
};

/** Wall-clock bars of 25 epochs, against tutorial.py's. */
const RUNS = [
  ['finetune', 1.8],
  ['extract', 1.2],
] as const;

export const asFastRuns: Row = {
  name: 'as-fast-runs',
  title: '25 epochs beside tutorial.py’s, computed from epochs 1 and 2 of both, counted from 0',
  minutes: 12,
  ci: false,
  run: async (context) => {
    const outcomes: Outcome[] = [];
    for (const [mode, bar] of RUNS) {
      const flags = { mode, epochs: 3, data: context.data, weights: context.weights };
      const ours = await runTrain(join(context.scratch, `ours-${mode}`), flatten(flags));
      const out = join(context.scratch, `torch-${mode}`);
      runScript(context, 'scripts/pytorch/tutorial.py', flatten({ ...flags, threads: 2, out }));
      const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
      const seconds = [ours.metrics, lines.map((line) => JSON.parse(line) as Metric)].map(run25);
      const ratio = seconds[0]! / seconds[1]!;
      outcomes.push({
        what: `${mode}, 25 epochs, ours ${minutes(seconds[0]!)}, tutorial.py ${minutes(seconds[1]!)}`,
        figure: times(ratio),
        bar: `at most ${bar} times`,
        holds: ratio <= bar,
      });
    }
    return outcomes;
  },
};

const minutes = (seconds: number) => `${(seconds / 60).toFixed(1)} min`;
const flatten = (flags: Record<string, string | number>) =>
  Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, `${value}`]);

/** Seconds of 25 epochs as long as epochs 1 and 2. */
function run25(metrics: readonly Metric[]): number {
  const seconds = metrics.filter(({ epoch }) => epoch > 0).reduce((sum, metric) => sum + metric.seconds, 0);
  return (25 / 2) * seconds;
}

export const asFastBatch: Row = {
  name: 'as-fast-batch',
  title: 'images per second of fine-tuning at batch 32 beside batch 4, in turns',
  minutes: 4,
  ci: false,
  run: async () => {
    const gpu = await openGpu();
    const [small, large] = [4, 32].map((batchSize) => new Steps(gpu, 'finetune-step', { batchSize }));
    const rates: [number[], number[]] = [[], []];
    for (const steps of [small!, large!]) await steps.warmUp();
    for (let round = 0; round < 5; round++) {
      rates[0].push(4000 / (await small!.block(BLOCK)));
      rates[1].push(32_000 / (await large!.block(1)));
    }
    small!.dispose();
    large!.dispose();
    gpu.close();
    const ratio = median(rates[1]) / median(rates[0]);
    const each = rates.map((values) => median(values).toFixed(2)).join(' and ');
    return [atLeast(`${each} images per second at batch 4 and 32`, ratio, 1)];
  },
};

export const asFastConvolutions: Row = {
  name: 'as-fast-convolutions',
  title: 'convolutions of a fine-tuning step, their direct operations per second beside the best matrix product',
  minutes: 2,
  ci: false,
  run: async () => {
    const gpu = await openGpu();
    const report = await runBench(gpu, { works: ['finetune-step'], steps: 20 });
    gpu.close();
    const { kinds: all, copies } = report.works[0]!;
    const kinds = all.filter(({ kind }) => kind.startsWith('conv ') || kind === 'weight packing');
    // All that is copied is an operand of a convolution.
    const ms = kinds.reduce((sum, row) => sum + row.msPerStep, copies.ms);
    const flops = kinds.reduce((sum, row) => sum + (row.gflops ?? 0) * row.msPerStep * 1e6, 0);
    const gflops = flops / ms / 1e6;
    const what = `${gflops.toFixed(1)} GFLOP/s, packing and copies included, to ${report.matmul.best.gflops.toFixed(1)}`;
    return [atLeast(what, gflops / report.matmul.best.gflops, 1.2)];
  },
};

export const asFastEpoch: Row = {
  name: 'as-fast-epoch',
  title: 'the train phase of epoch 2, counted from 0, beside as many bare steps, timed before and after',
  minutes: 6,
  ci: false,
  run: async (context: Context) => {
    const before = await bareStep(context);
    const flags = ['--data', context.data, '--weights', context.weights, '--epochs', '3'];
    const { metrics } = await runTrain(join(context.scratch, 'run'), flags);
    const after = await bareStep(context);
    const train = metrics.find(({ epoch, phase }) => epoch === 2 && phase === 'train')!;
    const ratio = (train.seconds * 1000) / (61 * ((before + after) / 2));
    const what = `${train.seconds.toFixed(1)} s to 61 steps of ${before.toFixed(0)} ms before and ${after.toFixed(0)} ms after`;
    return [{ what, figure: times(ratio), bar: 'at most 1.10 times', holds: ratio <= 1.1 }];
  },
};

/** Median milliseconds of a step on a batch that lies ready. */
async function bareStep({ weights }: Context): Promise<number> {
  const gpu = await openGpu();
  const steps = new Steps(gpu, 'finetune-step', { batchSize: 4, weights });
  await steps.warmUp();
  const ms: number[] = [];
  for (let block = 0; block < STEPS / BLOCK; block++) ms.push(await steps.block(BLOCK));
  steps.dispose();
  gpu.close();
  return median(ms);
}

function atLeast(what: string, value: number, bar: number): Outcome {
  return { what, figure: times(value), bar: `at least ${bar} times`, holds: value >= bar };
}
