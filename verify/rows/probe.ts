/** A linear probe of the tutorial's pictures: its time beside PyTorch's feature extractor, and its accuracy. */
import { join } from 'node:path';
import type { PhaseMetrics } from '../../src/train/index.ts';
import { flagsOf, runCommand } from '../processes.ts';
import { atLeast, atMost, type Context, fourDigits, type Outcome, type Row, seconds } from '../row.ts';
import { bestValAccuracy, referenceRun } from '../train-run.ts';

const SEEDS = [0, 1, 2];
/** Epochs of PyTorch's runs. */
const EPOCHS = 25;
/** The probe's time as a share of theirs. */
const SHARE = 1 / 10;
/** In CI others may run, and the adapter's kernels may have to be compiled. */
const CI_SHARE = 1 / 3;
/** A point below PyTorch's mean. */
const MARGIN = 0.01;

export const probe: Row = {
  name: 'probe',
  title: 'linear probe, ants and bees, from the command to a model: its time beside PyTorch’s extractor, its accuracy',
  minutes: 2,
  ci: true,
  run: async (context) => {
    const theirs = SEEDS.map((seed) => referenceRun(context.reference, 'extract', seed));
    const time = mean(theirs.map((rows) => rows.reduce((sum, row) => sum + row.seconds, 0)));
    const accuracy = mean(theirs.map((rows) => bestValAccuracy(rows, EPOCHS)));
    console.log(`  PyTorch, mean of ${SEEDS.length} recorded runs: ${seconds(time)}, accuracy ${fourDigits(accuracy)}`);
    // So that pictures are in memory and kernels in the driver's cache, as the first run leaves them.
    if (!context.ci) await probeRun(context, 0, 'first');
    const seeds = context.ci ? SEEDS.slice(0, 1) : SEEDS;
    const outcomes: Outcome[] = [];
    for (const seed of seeds) {
      const run = await probeRun(context, seed, 'measured');
      if (seed === 0) {
        const bar = time * (context.ci ? CI_SHARE : SHARE);
        outcomes.push(
          atMost(
            `from the command to a model, no feature known (PyTorch: ${seconds(time)})`,
            run.seconds,
            bar,
            seconds,
          ),
        );
      }
      outcomes.push(atLeast(`best val accuracy, seed ${seed}`, run.accuracy, accuracy - MARGIN, fourDigits));
    }
    return outcomes;
  },
};

/** @param cache a name for the cache: runs of the same name share their features */
async function probeRun(context: Context, seed: number, cache: string) {
  const { data, weights, scratch } = context;
  const rows: PhaseMetrics[] = [];
  const flags = { data, weights, mode: 'probe', seed, out: join(scratch, `${cache}-${seed}`) };
  const ended = await runCommand('train', ['--json', '--no-tune', ...flagsOf(flags)], {
    env: { ...process.env, DAWNGRAD_CACHE: join(scratch, `cache-${cache}`) },
    onLine: (line) => rows.push(JSON.parse(line) as PhaseMetrics),
  });
  const accuracy = bestValAccuracy(rows, Number.POSITIVE_INFINITY);
  const features = /Features: \d+ computed.*/.exec(ended.output)?.[0];
  console.log(`  ${cache}, seed ${seed}: ${seconds(ended.seconds)}, accuracy ${fourDigits(accuracy)}; ${features}`);
  return { seconds: ended.seconds, accuracy };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value) / values.length;
}
