/** Tuning: measures the work of a run on a separate device, and looks up or stores the answers. */
import { DawngradError } from '../errors.ts';
import type { Environment } from '../fetch/index.ts';
import { type AdapterPreference, openGpu } from '../gpu/dawn.ts';
import type { AdapterTraits, Gpu } from '../gpu/gpu.ts';
import { adapterClass } from '../kernels/adapter-class.ts';
import type { TunedChoices } from '../kernels/work.ts';
import { engineVersion, type MemoryQuestion } from '../plan/index.ts';
import { type TuneLimits, tuneLimits } from './budget.ts';
import { type Answer, addAnswers, cacheKey, readAnswers, tunedPath } from './cache.ts';

import { DeviceMeasurer } from './measure.ts';
import type { TuneResult } from './measured.ts';
import { type TuneProgress, tuneJobs } from './tuner.ts';
import { jobsOf, shippedTable, type Table } from './works.ts';

/** Seconds of tuning with a warm shader cache; see `tuneLimits` for a cold one. */
export const DEFAULT_BUDGET = 30;

/** The work to tune and its limits. */
export interface TuneOptions {
  /** The run whose work is measured. */
  readonly question: MemoryQuestion;
  /** Which adapter to open; the fastest by default. */
  readonly adapter?: AdapterPreference | undefined;
  /** Opens the device instead. It is closed after measuring. */
  readonly open?: (() => Promise<Gpu>) | undefined;
  /** Default: the limits for 30 seconds. */
  readonly limits?: TuneLimits | undefined;
  /** Start of the budget, as `performance.now`; default now. */
  readonly startedAt?: number | undefined;
  /** The choice without measurements; default the shipped table. */
  readonly table?: Table | undefined;
  /** Names of work not to measure. */
  readonly known?: ReadonlySet<string> | undefined;
  /** Ends tuning early, as if the budget had run out. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TuneProgress) => void) | undefined;
}

/** The results of tuning. */
export interface TuneReport {
  readonly adapter: AdapterTraits;
  /** One for each piece of work that has a choice and is not already known. */
  readonly results: readonly TuneResult[];
  /** Seconds since `startedAt`. */
  readonly seconds: number;
}

/**
 * Measures every candidate for every piece of work of a run.
 * @throws NoAdapterError if there is no such adapter; ShapeError if the pictures or batches are too small for the
 *   network; the device's error (OutOfMemoryError, GpuError, DeviceLostError) if every candidate for a piece of work
 *   fails; errors of `open`
 */
export async function tune(options: TuneOptions): Promise<TuneReport> {
  const { question, adapter, table = shippedTable, known, startedAt = performance.now() } = options;
  const { limits = tuneLimits(DEFAULT_BUDGET), signal, onProgress } = options;
  const measurer = new DeviceMeasurer(options.open ?? (() => openGpu(adapter && { adapter })));
  try {
    const traits = await measurer.traits();
    const jobs = jobsOf(traits, question, table).filter(({ name }) => !known?.has(name));
    const now = () => performance.now();
    const results = await tuneJobs({ jobs, measurer, limits, now, startedAt, signal, onProgress });
    return { adapter: traits, results, seconds: (now() - startedAt) / 1000 };
  } finally {
    measurer.close();
  }
}

/** The measured choices by the name of the work, for a `Chooser`. */
export function choicesOf(results: readonly TuneResult[]): TunedChoices {
  return new Map([...answersOf(results)].map(([name, { choice }]) => [name, choice]));
}

/**
 * Writes the measurements to the cache file.
 * @returns its path
 * @throws FileError if it cannot be written
 */
export function keepResults({ adapter, results }: TuneReport, env: Environment): string {
  const path = tunedPath(env);
  addAnswers(path, cacheKey(adapter, engineVersion()), answersOf(results));
  return path;
}

/** Omits work for which the budget ran out and the table's choice was kept: it may be measured another time. */
function answersOf(results: readonly TuneResult[]): Map<string, Answer> {
  return new Map(
    results
      .filter(({ state, choice, table, ms }) => choice in ms && (state === 'measured' || choice !== table))
      .map(({ name, choice, ms }) => [name, { choice, ms }]),
  );
}

/** The place to look up answers, and whether to measure missing ones. */
export interface TunedChoicesOptions {
  /** Variables that decide the cache folder; default `process.env`. */
  readonly env?: Environment | undefined;
  /** Called with sentences for the user. */
  readonly onNote?: ((text: string) => void) | undefined;
  /** How to tune on an adapter that no table covers; without it nothing is measured. */
  readonly tuneFor?: Pick<TuneOptions, 'adapter' | 'open' | 'signal' | 'onProgress'> | undefined;
}

/**
 * Returns the tuned choices of an adapter. If no shipped table covers the adapter and `tuneFor` is given, it first
 * tunes and stores the missing work. If tuning fails with a DawngradError, `onNote` gets it and the table is used.
 * @throws ShapeError if it looks for missing work and the pictures or batches are too small for the network
 */
export async function tunedChoices(
  traits: AdapterTraits,
  question: MemoryQuestion,
  { env = process.env, onNote = () => {}, tuneFor }: TunedChoicesOptions = {},
): Promise<TunedChoices> {
  const answers = readAnswers(tunedPath(env), cacheKey(traits, engineVersion()), onNote);
  const choices = new Map([...answers].map(([name, { choice }]) => [name, choice]));
  if (!tuneFor || adapterClass(traits) !== undefined) return choices;
  const known = new Set(choices.keys());
  if (jobsOf(traits, question).every(({ name }) => known.has(name))) return choices;
  onNote(
    `No table covers this adapter, so its kernels are measured first (at most ${DEFAULT_BUDGET} s, and the time to ` +
      'compile them). --no-tune skips this.',
  );
  try {
    const found = await tune({ ...tuneFor, question, known });
    for (const [name, choice] of choicesOf(found.results)) choices.set(name, choice);
    onNote(`Kept for the next time in ${keepResults(found, env)}`);
  } catch (error) {
    if (!(error instanceof DawngradError)) throw error;
    onNote(`${error.message.replace(/\.?$/, '.')} Work that was not tuned runs as the table says.`);
  }
  return choices;
}
