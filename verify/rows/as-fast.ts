/** Speed of the software adapter beside PyTorch's CPU build, in steps and in whole runs. Keep the machine quiet. */
import { join } from 'node:path';
import { compare } from '../../bench/compare.ts';
import { runBench } from '../../bench/run.ts';
import { median, sum } from '../../bench/statistics.ts';
import { BLOCK, Steps, type Work } from '../../bench/steps.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { PhaseMetrics } from '../../src/train/index.ts';
import { flagsOf, readJsonLines } from '../processes.ts';
import { atLeast, atMost, type Context, type Outcome, type Row, times } from '../row.ts';
import { runScript } from '../tensors.ts';
import { runTrain } from '../train-run.ts';
import { besidePyTorch } from './speed.ts';

const STEPS = 24;
const BARS: Record<Work, number> = { 'finetune-step': 2, 'extract-step': 2.5, 'eval-forward': 2.5 };

export const asFast: Row = {
  name: 'as-fast',
  title: 'steps at batch 4 beside PyTorch’s in the same run, in turn',
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
    const [pairing] = await compare('tfjs');
    const { oursMs, peerMs, ratio } = pairing!;
    return [atLeast(`TensorFlow.js's ${peerMs.toFixed(0)} ms to our ${oursMs.toFixed(0)} ms`, 1 / ratio, 40, times)];
  },
};

/** Bars of the wall-clock time of 25 epochs, relative to tutorial.py. */
const RUNS = [
  ['finetune', 1.8],
  ['extract', 1.2],
] as const;

export const asFastRuns: Row = {
  name: 'as-fast-runs',
  title: '25 epochs beside tutorial.py’s, extrapolated from epochs 1 and 2 of both, counted from 0',
  minutes: 12,
  ci: false,
  run: async (context) => {
    const outcomes: Outcome[] = [];
    for (const [mode, bar] of RUNS) {
      const flags = { mode, epochs: 3, data: context.data, weights: context.weights };
      const ours = await runTrain(join(context.scratch, `ours-${mode}`), flagsOf(flags));
      const out = join(context.scratch, `torch-${mode}`);
      runScript(context, 'scripts/pytorch/tutorial.py', flagsOf({ ...flags, threads: 2, out }));
      const torch = readJsonLines<PhaseMetrics>(join(out, 'metrics.jsonl'));
      const [own, theirs] = [run25(ours.metrics), run25(torch)];
      const what = `${mode}, 25 epochs, ours ${minutes(own)}, tutorial.py ${minutes(theirs)}`;
      outcomes.push(atMost(what, own / theirs, bar, times));
    }
    return outcomes;
  },
};

const minutes = (seconds: number) => `${(seconds / 60).toFixed(1)} min`;

/** Seconds of 25 epochs that take as long as epochs 1 and 2. */
function run25(metrics: readonly PhaseMetrics[]): number {
  return (25 / 2) * sum(metrics.filter(({ epoch }) => epoch > 0).map(({ seconds }) => seconds));
}

export const asFastBatch: Row = {
  name: 'as-fast-batch',
  title: 'images per second of fine-tuning at batch 32 beside batch 4, in turn',
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
    gpu.close();
    const ratio = median(rates[1]) / median(rates[0]);
    const each = rates.map((values) => median(values).toFixed(2)).join(' and ');
    return [atLeast(`${each} images per second at batch 4 and 32`, ratio, 1, times)];
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
    // All copies are of operands of convolutions.
    const ms = copies.ms + sum(kinds.map((row) => row.msPerStep));
    const flops = sum(kinds.map((row) => (row.gflops ?? 0) * row.msPerStep * 1e6));
    const gflops = flops / ms / 1e6;
    const what = `${gflops.toFixed(1)} GFLOP/s, packing and copies included, to ${report.matmul.best.gflops.toFixed(1)}`;
    return [atLeast(what, gflops / report.matmul.best.gflops, 1.2, times)];
  },
};

export const asFastEpoch: Row = {
  name: 'as-fast-epoch',
  title: 'the train phase of epoch 2, counted from 0, beside as many bare steps, timed before and after',
  minutes: 6,
  ci: false,
  run: async (context: Context) => {
    const before = await bareStep(context);
    const { data, weights } = context;
    const { metrics } = await runTrain(join(context.scratch, 'run'), flagsOf({ data, weights, epochs: 3 }));
    const after = await bareStep(context);
    const train = metrics.find(({ epoch, phase }) => epoch === 2 && phase === 'train')!;
    const ratio = (train.seconds * 1000) / (61 * ((before + after) / 2));
    const what = `${train.seconds.toFixed(1)} s to 61 steps of ${before.toFixed(0)} ms before and ${after.toFixed(0)} ms after`;
    return [atMost(what, ratio, 1.1, times)];
  },
};

/** Median milliseconds of a step on a prepared batch. */
async function bareStep({ weights }: Context): Promise<number> {
  const gpu = await openGpu();
  const steps = new Steps(gpu, 'finetune-step', { batchSize: 4, weights });
  await steps.warmUp();
  const ms: number[] = [];
  for (let block = 0; block < STEPS / BLOCK; block++) ms.push(await steps.block(BLOCK));
  gpu.close();
  return median(ms);
}
