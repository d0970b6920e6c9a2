/** Runs `train` as a user would, in a process of its own, and watches it. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from './row.ts';

/** torch's num_workers of the reference runs: it decides which random numbers a picture draws. */
export const REFERENCE_WORKERS = 2;

export interface Metric {
  readonly epoch: number;
  readonly phase: 'train' | 'val';
  readonly loss: number;
  readonly acc: number;
  readonly lr: number;
  readonly seconds: number;
}

export interface TrainRun {
  readonly metrics: readonly Metric[];
  /** Resident memory of the process at the end of each phase, bytes; one per metric. */
  readonly resident: readonly number[];
  /** The highest it ever was, bytes. */
  readonly peakResident: number;
  readonly folder: string;
}

/** Trains with these flags into `folder`, on the shipped tables' kernels; throws where it fails. */
export async function runTrain(folder: string, flags: readonly string[]): Promise<TrainRun> {
  const script = new URL('../src/cli/train.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', script, '--out', folder, '--json', '--no-tune', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const resident: number[] = [];
  const metrics: Metric[] = [];
  let [peakResident, rest, errors] = [0, '', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const metric = JSON.parse(line) as Metric;
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      metrics.push(metric);
      resident.push(kibibytes(status, 'VmRSS') * 1024);
      peakResident = kibibytes(status, 'VmHWM') * 1024;
      console.log(
        `  epoch ${metric.epoch} ${metric.phase} loss ${metric.loss.toFixed(4)} acc ${metric.acc.toFixed(4)} ` +
          `${metric.seconds.toFixed(1)} s, ${(resident.at(-1)! / 1e6).toFixed(0)} MB`,
      );
    }
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`train ${flags.join(' ')} ended with status ${status}:\n${errors}`);
  return { metrics, resident, peakResident, folder };
}

const seeded = new Map<string, { readonly epochs: number; readonly run: TrainRun }>();

/**
 * Trains as the reference runs were made, with this seed and else the defaults. Several rows look at the same runs: one
 * that was made before in this process is not made again, and for the first epochs a longer one will do, as the learning
 * rate falls every 7 epochs whatever their number.
 */
export async function seededRun(
  context: Context,
  mode: 'extract' | 'finetune',
  seed: number,
  epochs: number,
): Promise<TrainRun> {
  const name = `${mode}-seed${seed}`;
  const known = seeded.get(name);
  if (known && known.epochs >= epochs) {
    console.log(`  seed ${seed}: the run of ${known.epochs} epochs above`);
    return known.run;
  }
  console.log(`  seed ${seed}`);
  const run = await runTrain(join(context.scratch, `${name}-${epochs}`), [
    ...['--data', context.data, '--weights', context.weights, '--workers', `${REFERENCE_WORKERS}`],
    ...['--mode', mode, '--epochs', `${epochs}`, '--seed', `${seed}`],
  ]);
  seeded.set(name, { epochs, run });
  return run;
}

function kibibytes(status: string, field: string): number {
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0);
}

/** PyTorch's run of the same mode and seed, from the reference folder. */
export function referenceRun(folder: string | undefined, mode: string, seed: number): Metric[] {
  const path = folder && join(folder, `${mode}-seed${seed}.jsonl`);
  if (!path || !existsSync(path)) {
    throw new Error(`Needs PyTorch's runs: set DAWNGRAD_REFERENCE to a folder with ${mode}-seed${seed}.jsonl.`);
  }
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Metric);
}

/** The best val accuracy of the first `epochs` epochs. */
export function bestValAccuracy(metrics: readonly Metric[], epochs: number): number {
  return Math.max(...metrics.filter((m) => m.phase === 'val' && m.epoch < epochs).map((m) => m.acc));
}
