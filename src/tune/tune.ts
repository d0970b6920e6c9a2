/** Tuning as a whole: what a run would do is measured on a device of its own, and the answers are looked up or kept. */
import { DawngradError } from '../errors.ts';
import type { Environment } from '../fetch/index.ts';
import { type AdapterPreference, openGpu } from '../gpu/dawn.ts';
import type { AdapterTraits, Gpu } from '../gpu/gpu.ts';
import { adapterClass } from '../kernels/adapter-class.ts';
import type { TunedChoices } from '../kernels/work.ts';
import type { MemoryQuestion } from '../plan/index.ts';
import { type TuneLimits, tuneLimits } from './budget.ts';
import { type Answer, addAnswers, cacheKey, readAnswers, tunedPath } from './cache.ts';
import { engineVersion } from './engine-version.ts';
import { DeviceMeasurer } from './measure.ts';
import type { TuneResult } from './measured.ts';
import { type TuneProgress, tuneJobs } from './tuner.ts';
import { jobsOf, shippedTable, type Table } from './works.ts';

/** Seconds that tuning may take with a warm shader cache; see `tuneLimits` for a cold one. */
export const DEFAULT_BUDGET = 30;

/** What to tune, and how long. */
export interface TuneOptions {
  /** The run whose work is measured. */
  readonly question: MemoryQuestion;
  /** Which adapter; the fastest by default. */
  readonly adapter?: AdapterPreference | undefined;
  /** Opens the device instead; it is closed when all is measured. */
  readonly open?: (() => Promise<Gpu>) | undefined;
  /** Default: those of 30 seconds. */
  readonly limits?: TuneLimits | undefined;
  /** When the budget began to run, as `performance.now`; default now. */
  readonly startedAt?: number | undefined;
  /** What is used where nothing is measured; default the shipped table. */
  readonly table?: Table | undefined;
  /** Names of work that is not to be measured. */
  readonly known?: ReadonlySet<string> | undefined;
  /** Ends it early, as if the budget had run out. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TuneProgress) => void) | undefined;
}

/** What came out. */
export interface TuneReport {
  readonly adapter: AdapterTraits;
  /** One for each piece of work that has a choice and is not known already. */
  readonly results: readonly TuneResult[];
  /** What it took, from `startedAt` on. */
  readonly seconds: number;
}

/**
 * Measures every candidate for every piece of work of a run.
 * @throws NoAdapterError where there is no such adapter; ShapeError if the pictures are too small for the network; what the
 *   device says (OutOfMemoryError, GpuError, DeviceLostError) if no candidate at all can do a piece of work
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

/** The choices that were measured, by the name of the work: for a `Chooser`. */
export function choicesOf(results: readonly TuneResult[]): TunedChoices {
  return new Map([...answersOf(results)].map(([name, { choice }]) => [name, choice]));
}

/**
 * Writes what was measured to the cache file.
 * @returns its path
 * @throws FileError if it cannot be written
 */
export function keepResults({ adapter, results }: TuneReport, env: Environment): string {
  const path = tunedPath(env);
  addAnswers(path, cacheKey(adapter, engineVersion()), answersOf(results));
  return path;
}

/** Without those where the budget ran out and the table's choice was kept: these may be measured another time. */
function answersOf(results: readonly TuneResult[]): Map<string, Answer> {
  return new Map(
    results
      .filter(({ state, choice, table, ms }) => choice in ms && (state === 'measured' || choice !== table))
      .map(({ name, choice, ms }) => [name, { choice, ms }]),
  );
}

/** Where answers are looked up, and whether any are found where there are none. */
export interface TunedChoicesOptions {
  /** Where the cache folder is looked up; default `process.env`. */
  readonly env?: Environment | undefined;
  /** Told what the user should know, as sentences. */
  readonly onNote?: ((text: string) => void) | undefined;
  /** How to tune on an adapter that no table knows; without it nothing is measured. */
  readonly tuneFor?: Pick<TuneOptions, 'adapter' | 'open' | 'signal' | 'onProgress'> | undefined;
}

/**
 * What was tuned on an adapter. On one that no shipped table knows, what is missing for the run is tuned first, if that is
 * wanted, and kept. Where it fails the table is left, so only what would stop the run too is an error.
 * @throws ShapeError if the pictures or batches are too small for the network
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
    `No table knows this adapter, so its fastest kernels are found first (at most ${DEFAULT_BUDGET} s, and the time to ` +
      'compile them). --no-tune skips it.',
  );
  try {
    const found = await tune({ ...tuneFor, question, known });
    for (const [name, choice] of choicesOf(found.results)) choices.set(name, choice);
    onNote(`Kept for the next time in ${keepResults(found, env)}`);
  } catch (error) {
    if (!(error instanceof DawngradError)) throw error;
    onNote(`${error.message}. What could not be tuned runs as the table says.`);
  }
  return choices;
}
