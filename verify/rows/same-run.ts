/** Whole runs beside PyTorch's from the same seed: the logs must lie side by side. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { train } from '../../src/train/index.ts';
import { atMost, type Context, type Outcome, type Row } from '../row.ts';
import { runScript } from '../tensors.ts';
import { bestValAccuracy, type Metric, REFERENCE_WORKERS, referenceRun, seededRun } from '../train-run.ts';

const SEEDS = [0, 1, 2];
const EPOCHS = 25;
/** Counted from 1. */
const COMPARED_STEPS = [1, 10, 20, 30];

export const extractorRun: Row = {
  name: 'extractor-run',
  title: 'extractor, 25 epochs, seeds 0 to 2, epoch for epoch beside PyTorch’s logs',
  minutes: 40,
  ci: false,
  run: async (context) => {
    const outcomes: Outcome[] = [];
    for (const seed of SEEDS) {
      const torch = referenceRun(context.reference, 'extract', seed);
      const { metrics } = await seededRun(context, 'extract', seed, EPOCHS);
      const furthest = (phase: Metric['phase'], value: (metric: Metric) => number) => {
        const [ours, theirs] = [metrics, torch].map((rows) => rows.filter((row) => row.phase === phase).map(value));
        if (ours!.length !== EPOCHS || theirs!.length !== EPOCHS) throw new Error(`seed ${seed}: not ${EPOCHS} epochs`);
        return Math.max(...ours!.map((number, i) => Math.abs(number - theirs![i]!)));
      };
      const four = (value: number) => value.toExponential(1);
      const pictures = Math.round(furthest('val', ({ acc }) => acc) * valCount(metrics));
      outcomes.push(
        atMost(
          `seed ${seed}, train loss, worst epoch`,
          furthest('train', (row) => row.loss),
          1e-3,
          four,
        ),
        atMost(
          `seed ${seed}, val loss, worst epoch`,
          furthest('val', (row) => row.loss),
          1e-3,
          four,
        ),
        atMost(`seed ${seed}, val accuracy, worst epoch`, pictures, 1, (n) => `${n} pictures`),
      );
    }
    return outcomes;
  },
};

export const finetuneSteps: Row = {
  name: 'finetune-steps',
  title: 'fine-tuning, the loss of single steps beside PyTorch’s, and PyTorch’s own between one and two threads',
  minutes: 5,
  ci: false,
  run: async (context) => {
    const steps = Math.max(...COMPARED_STEPS);
    const runs: { ours: number[]; one: number[]; two: number[] }[] = [];
    for (const seed of SEEDS) {
      runs.push({
        ours: await ourLosses(context, seed, steps),
        one: torchLosses(context, seed, steps, 1),
        two: torchLosses(context, seed, steps, 2),
      });
    }
    return COMPARED_STEPS.map((step) => {
      const differences = (a: 'ours' | 'one') =>
        runs.map((losses) => Math.abs(losses[a][step - 1]! / losses.two[step - 1]! - 1));
      const [ours, torch] = [geometricMean(differences('ours')), geometricMean(differences('one'))];
      return {
        what: `loss of step ${step}, relative difference, geometric mean over ${SEEDS.length} seeds`,
        figure: `${ours.toExponential(1)}, PyTorch's own ${torch.toExponential(1)}`,
        bar: 'at most 10 times PyTorch’s own',
        holds: ours <= 10 * torch,
      };
    });
  },
};

export const finetuneEpoch: Row = {
  name: 'finetune-epoch',
  title: 'fine-tuning, epoch 0, seeds 0 to 2: train loss beside PyTorch’s',
  minutes: 5,
  ci: false,
  run: async (context) => {
    const outcomes: Outcome[] = [];
    for (const seed of SEEDS) {
      const torch = referenceRun(context.reference, 'finetune', seed)[0]!;
      const { metrics } = await seededRun(context, 'finetune', seed, 1);
      const difference = Math.abs(metrics[0]!.loss - torch.loss);
      const what = `seed ${seed}, train loss ${metrics[0]!.loss.toFixed(4)}, PyTorch ${torch.loss.toFixed(4)}, difference`;
      outcomes.push(atMost(what, difference, 0.05, (value) => value.toFixed(4)));
    }
    return outcomes;
  },
};

export const finetuneRun: Row = {
  name: 'finetune-run',
  title: 'fine-tuning, 25 epochs, seeds 0 to 2: mean best val accuracy beside PyTorch’s',
  minutes: 95,
  ci: false,
  run: async (context) => {
    const [ours, torch]: [number[], number[]] = [[], []];
    for (const seed of SEEDS) {
      torch.push(bestValAccuracy(referenceRun(context.reference, 'finetune', seed), EPOCHS));
      ours.push(bestValAccuracy((await seededRun(context, 'finetune', seed, EPOCHS)).metrics, EPOCHS));
    }
    const each = (values: number[]) => values.map((value) => value.toFixed(4)).join(', ');
    const what = `mean best val accuracy, ours ${each(ours)}, PyTorch ${each(torch)}, difference`;
    return [atMost(what, Math.abs(mean(ours) - mean(torch)), 0.02, (value) => value.toFixed(4))];
  },
};

/** Pictures in val, from the accuracies: the smallest count that makes all of them whole numbers of pictures. */
function valCount(metrics: readonly Metric[]): number {
  const accuracies = metrics.filter(({ phase }) => phase === 'val').map(({ acc }) => acc);
  for (let count = 1; count < 100_000; count++) {
    if (accuracies.every((acc) => Math.abs(acc * count - Math.round(acc * count)) < 1e-6)) return count;
  }
  throw new Error('val accuracies are not shares of a whole number of pictures');
}

/** The losses of the first steps of a run of ours. */
async function ourLosses(context: Context, seed: number, steps: number): Promise<number[]> {
  const losses: number[] = [];
  const stop = new AbortController();
  const { data, weights, scratch } = context;
  const out = join(scratch, `steps-seed${seed}`);
  const reporter = {
    stepDone: ({ loss }: { loss: number }) => {
      losses.push(loss);
      if (losses.length >= steps) stop.abort();
    },
  };
  await train({
    data,
    weights,
    seed,
    workers: REFERENCE_WORKERS,
    mode: 'finetune',
    out,
    reporter,
    signal: stop.signal,
  });
  return losses;
}

function torchLosses(context: Context, seed: number, steps: number, threads: number): number[] {
  const out = join(context.scratch, `torch-seed${seed}-threads${threads}`);
  const flags = { seed, steps, threads, workers: REFERENCE_WORKERS, data: context.data, weights: context.weights, out };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, `${value}`]);
  const file = join(context.scratch, `torch-seed${seed}-threads${threads}.jsonl`);
  runScript(context, 'scripts/pytorch/tutorial.py', [...args, '--step-losses', file]);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { loss: number }).loss);
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Of relative differences; one of 0 counts as float32's smallest step, so that it does not hide the others. */
function geometricMean(values: readonly number[]): number {
  return Math.exp(mean(values.map((value) => Math.log(Math.max(value, 2 ** -24)))));
}
