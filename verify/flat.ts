/** Processes that print samples as they go, and whether what they count stays flat. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './row.ts';

/** The allowed growth in the second half. */
const GROWTH = 1.05;

/** What a process has printed, as lines of JSON: samples with a `step`, at last an `end`. */
export interface Sampled<Sample, End> {
  readonly samples: readonly Sample[];
  readonly last: End | undefined;
  /** How the process ended: an exit status or a signal. */
  readonly status: number | string;
}

/** Runs a script of this folder. */
export async function sampled<Sample extends { readonly step: number }, End extends { readonly end: string }>(
  script: string,
  args: readonly string[],
): Promise<Sampled<Sample, End>> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (status, signal) => resolve(status ?? signal ?? 'no status'));
  });
  const samples: Sample[] = [];
  let last: End | undefined;
  for await (const line of createInterface(child.stdout)) {
    const read = JSON.parse(line) as Sample | End;
    if ('end' in read) last = read;
    else samples.push(read);
  }
  return { samples, last, status: await ended };
}

/** Compares the maxima of both halves of the steps from `settled` on. */
export function flat<Sample extends { readonly step: number }>(
  what: string,
  samples: readonly Sample[],
  settled: number,
  of: (sample: Sample) => number,
  unit = (value: number) => `${value}`,
): Outcome {
  const kept = samples.filter(({ step }) => step >= settled);
  const half = Math.floor(kept.length / 2);
  const before = Math.max(...kept.slice(0, half).map(of));
  const after = Math.max(...kept.slice(half).map(of));
  return {
    what: `${what}, maxima of the first and the second half, from step ${settled} on`,
    figure: `${unit(before)} and ${unit(after)}`,
    bar: `at most ${GROWTH} times the first half`,
    holds: kept.length > 10 && after <= GROWTH * before,
  };
}

/** Whether it came to its end. */
export function ended(
  name: string,
  { last, status }: Sampled<unknown, { readonly end: string; readonly step: number }>,
  steps: number,
): Outcome {
  return {
    what: `${name}: ${steps} steps`,
    figure: `${last ? `${last.end} after ${last.step}` : 'died'}, exit status ${status}`,
    bar: 'ended, exit status 0',
    holds: last?.end === 'ended' && last.step === steps && status === 0,
  };
}
