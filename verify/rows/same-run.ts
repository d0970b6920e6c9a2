/** Whole runs and their logs beside PyTorch's from the same seed. */
import { join } from 'node:path';
import { openPictures, type PhaseMetrics, train } from '../../src/train/index.ts';
import { flagsOf, readJsonLines } from '../processes.ts';
import { atMost, type Context, fourDigits, type Outcome, type Row } from '../row.ts';
import { runScript } from '../tensors.ts';
import { bestValAccuracy, REFERENCE_WORKERS, referenceRun, seededRun } from '../train-run.ts';

const SEEDS = [0, 1, 2];
const EPOCHS = 25;
/** Counted from 1. */
const COMPARED_STEPS = [1, 10, 20, 30];

export const extractorRun: Row = {
  name: 'extractor-run',
  title: 'feature extractor, 25 epochs, seeds 0 to 2 (--seed N: one), epoch by epoch beside PyTorch’s logs',
  minutes: 40,
  ci: false,
  run: async (context) => {
    const outcomes: Outcome[] = [];
    for (const seed of seedsOf(context)) {
      const torch = referenceRun(context.reference, 'extract', seed);
      const { metrics } = await seededRun(context, 'extract', seed, EPOCHS);
      const furthest = (phase: PhaseMetrics['phase'], value: (metric: PhaseMetrics) => number) => {
        const [ours, theirs] = [metrics, torch].map((rows) => rows.filter((row) => row.phase === phase).map(value));
        if (ours!.length !== EPOCHS || theirs!.length !== EPOCHS) throw new Error(`seed ${seed}: not ${EPOCHS} epochs`);
        return Math.max(...ours!.map((own, i) => Math.abs(own - theirs![i]!)));
      };
      for (const phase of ['train', 'val'] as const) {
        const difference = furthest(phase, ({ loss }) => loss);
        outcomes.push(atMost(`seed ${seed}, ${phase} loss, worst epoch`, difference, 1e-5, (n) => n.toExponential(1)));
      }
      const pictures = Math.round(furthest('val', ({ acc }) => acc) * openPictures(context.data).val.length);
      outcomes.push(atMost(`seed ${seed}, val accuracy, worst epoch`, pictures, 1, (n) => `${n} pictures`));
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
      outcomes.push(atMost(what, difference, 0.005, fourDigits));
    }
    return outcomes;
  },
};

export const finetuneRun: Row = {
  name: 'finetune-run',
  title: 'fine-tuning, 25 epochs, seeds 0 to 2 (--seed N: one): mean best val accuracy beside PyTorch’s',
  minutes: 95,
  ci: false,
  run: async (context) => {
    const torch = SEEDS.map((seed) => bestValAccuracy(referenceRun(context.reference, 'finetune', seed), EPOCHS));
    const ours: number[] = [];
    for (const seed of seedsOf(context)) {
      ours.push(bestValAccuracy((await seededRun(context, 'finetune', seed, EPOCHS)).metrics, EPOCHS));
    }
    const each = (values: number[]) => values.map(fourDigits).join(', ');
    const what = `mean best val accuracy, ours ${each(ours)}, PyTorch ${each(torch)}, difference`;
    return [atMost(what, Math.abs(mean(ours) - mean(torch)), 0.02, fourDigits)];
  },
};

function seedsOf({ seed }: Context): readonly number[] {
  return seed === undefined ? SEEDS : [seed];
}

/** The losses of the first steps of our run. */
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
  const { signal } = stop;
  await train({ data, weights, seed, workers: REFERENCE_WORKERS, mode: 'finetune', out, reporter, signal });
  return losses;
}

function torchLosses(context: Context, seed: number, steps: number, threads: number): number[] {
  const out = join(context.scratch, `torch-seed${seed}-threads${threads}`);
  const flags = { seed, steps, threads, workers: REFERENCE_WORKERS, data: context.data, weights: context.weights, out };
  const file = join(context.scratch, `torch-seed${seed}-threads${threads}.jsonl`);
  runScript(context, 'scripts/pytorch/tutorial.py', flagsOf({ ...flags, 'step-losses': file }));
  return readJsonLines<{ loss: number }>(file).map(({ loss }) => loss);
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Of relative differences. 0 counts as float32's smallest step, so it does not hide the others. */
function geometricMean(values: readonly number[]): number {
  return Math.exp(mean(values.map((value) => Math.log(Math.max(value, 2 ** -24)))));
}
