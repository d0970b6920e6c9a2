/** Runs `train` as a user would, in its own process, and observes it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PhaseMetrics } from '../src/train/index.ts';
import { flagsOf, readJsonLines, runCommand } from './processes.ts';
import { type Context, megabytes } from './row.ts';

/** torch's num_workers in the reference runs, which decides a picture's random numbers. */
export const REFERENCE_WORKERS = 2;

export interface TrainRun {
  readonly metrics: readonly PhaseMetrics[];
  /** Resident bytes of the process at the end of each phase; one per metric. */
  readonly resident: readonly number[];
  /** The maximum of the resident bytes. */
  readonly peakResident: number;
  readonly folder: string;
}

/** Trains into `folder` with these flags, with the kernels of the shipped tables. @throws Error if it fails */
export async function runTrain(folder: string, flags: readonly string[]): Promise<TrainRun> {
  const resident: number[] = [];
  const metrics: PhaseMetrics[] = [];
  let peakResident = 0;
  const onLine = (line: string, pid: number) => {
    const metric = JSON.parse(line) as PhaseMetrics;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
    metrics.push(metric);
    resident.push(bytes('VmRSS'));
    peakResident = bytes('VmHWM');
    console.log(
      `  epoch ${metric.epoch} ${metric.phase} loss ${metric.loss.toFixed(4)} acc ${metric.acc.toFixed(4)} ` +
        `${metric.seconds.toFixed(1)} s, ${megabytes(resident.at(-1)!)}`,
    );
  };
  await runCommand('train', ['--out', folder, '--json', '--no-tune', ...flags], { onLine });
  return { metrics, resident, peakResident, folder };
}

const seeded = new Map<string, { readonly epochs: number; readonly run: TrainRun }>();

/**
 * Trains like the reference runs: with this seed, and defaults otherwise. Several rows use the same runs, so an earlier
 * run of this process is reused. A longer one also serves for its first epochs: the learning rate falls every 7 epochs,
 * whatever their number.
 */
export async function seededRun(
  context: Context,
  mode: 'extract' | 'finetune',
  seed: number,
  epochs: number,
): Promise<TrainRun> {
  const { data, weights, scratch } = context;
  const name = `${mode}-seed${seed}`;
  const known = seeded.get(name);
  if (known && known.epochs >= epochs) {
    console.log(`  seed ${seed}: the run of ${known.epochs} epochs above`);
    return known.run;
  }
  console.log(`  seed ${seed}`);
  const flags = { data, weights, workers: REFERENCE_WORKERS, mode, epochs, seed };
  const run = await runTrain(join(scratch, `${name}-${epochs}`), flagsOf(flags));
  seeded.set(name, { epochs, run });
  return run;
}

/** PyTorch's run of the same mode and seed, from the reference folder. @throws Error if there is none */
export function referenceRun(folder: string | undefined, mode: string, seed: number): PhaseMetrics[] {
  const path = folder && join(folder, `${mode}-seed${seed}.jsonl`);
  if (path && existsSync(path)) return readJsonLines(path);
  throw new Error(`PyTorch's runs are missing: set DAWNGRAD_REFERENCE to a folder with ${mode}-seed${seed}.jsonl.`);
}

/** The best val accuracy of the first `epochs` epochs. */
export function bestValAccuracy(metrics: readonly PhaseMetrics[], epochs: number): number {
  return Math.max(...metrics.filter((m) => m.phase === 'val' && m.epoch < epochs).map((m) => m.acc));
}
