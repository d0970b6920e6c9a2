/**
 * Measures candidates. The device and the clock are passed in. First a survey runs each candidate once or twice on
 * every piece of work. So clearly worse candidates are known everywhere before time goes into telling near equals
 * apart. Then come rounds over all the work, in which the remaining candidates take turns. A machine that is slow for a
 * moment slows all candidates of a piece of work, and its rounds are seconds apart.
 */
import { DawngradError } from '../errors.ts';
import { NoAdapterError } from '../gpu/errors.ts';
import { Budget, type TuneLimits } from './budget.ts';
import { type Candidate, decideAll, leastOf, Measured, type TuneJob, type TuneResult } from './measured.ts';

/** Runs candidates and takes the time. */
export interface Measurer<Job extends TuneJob = TuneJob> {
  /**
   * Runs a candidate `count` times.
   * @returns milliseconds per run, and whether something had to be compiled first; compiling is then included
   * @throws DawngradError if this candidate fails; the measurer still works for others
   */
  time(job: Job, candidate: Candidate, count: number): Promise<{ readonly ms: number; readonly compiled: boolean }>;
}

export interface TunerOptions<Job extends TuneJob> {
  readonly jobs: readonly Job[];
  readonly measurer: Measurer<Job>;
  readonly limits: TuneLimits;
  /** Milliseconds since any fixed moment. */
  readonly now: () => number;
  /** Start of the budget on the clock `now`. */
  readonly startedAt: number;
  /** Once aborted, measuring stops as if the budget had run out. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TuneProgress) => void) | undefined;
}

/** Progress of tuning. */
export interface TuneProgress {
  /** A step is one visit to a job, for the survey or a round. */
  readonly done: number;
  readonly steps: number;
  /** Seconds since the start of the budget. */
  readonly seconds: number;
}

/** A candidate this many times slower than the best is dropped. */
export const CLEARLY_WORSE = 1.5;
/** A first run this many times slower than another candidate's is trusted without a second. */
const NO_DOUBT = 3;
/**
 * Drops a candidate from a whole family. It must be `factor` times slower on three works, or `beyond` times on two, and
 * never less than `factor` times slower. At large batches one run of such a kernel takes seconds.
 */
const HOPELESS = { factor: 4, works: 3, beyond: 10 };
/** Rounds after the survey, and the number that suffices to tell near equals apart if the budget ends. */
const ROUNDS = 8;
const ENOUGH_ROUNDS = 3;
/** After those rounds this factor is clear enough. */
const LATER_WORSE = 1.2;
/** Small kernels repeat until they fill this time: then the clock's resolution and disturbances do not matter. */
const SURVEY_MS = 10;
const ROUND_MS = 20;
const MAX_REPETITIONS = 50;

/**
 * Measures all jobs as far as the budget allows, the most important first. Results are in the order of the jobs.
 * @throws DawngradError of the last candidate if all fail for one job; at once, NoAdapterError and any error that is no
 *   DawngradError
 */
export async function tuneJobs<Job extends TuneJob>(options: TunerOptions<Job>): Promise<TuneResult[]> {
  const tuner = new Tuner(options);
  await tuner.run();
  return tuner.results();
}

class Tuner<Job extends TuneJob> {
  readonly #options: TunerOptions<Job>;
  readonly #budget: Budget;
  readonly #measured: readonly Measured<Job>[];
  readonly #hopes = new Map<string, { far: number; near: boolean }>();
  #done = 0;

  constructor(options: TunerOptions<Job>) {
    this.#options = options;
    this.#budget = new Budget(options.limits, options.now, options.startedAt);
    this.#measured = options.jobs.map((job) => new Measured(job));
  }

  async run(): Promise<void> {
    for (const one of this.#surveyOrder()) {
      await this.#survey(one);
      this.#progress();
    }
    const surveyed = this.#measured.filter((one) => one.surveyed);
    const important = inOrder(surveyed, (one) => one.job.uses * one.costOfTable);
    for (let round = 1; round <= ROUNDS; round++) {
      for (const one of important) {
        if (one.left.length <= 1 || (await this.#takeTurns(one))) one.rounds++;
        if (one.rounds === ENOUGH_ROUNDS) one.finished = true;
        this.#progress();
      }
    }
  }

  /**
   * The cost of a piece of work is not known yet, but kernels take similar time for similar sizes. The smallest job of
   * each family comes first: it compiles the shared kernels and shows cheaply which candidates are hopeless.
   */
  #surveyOrder(): Measured<Job>[] {
    const bySize = inOrder(this.#measured, ({ job }) => -job.size);
    const smallest = bySize.filter(({ job }, i) => i === bySize.findIndex((each) => each.job.family === job.family));
    const others = this.#measured.filter((one) => !smallest.includes(one));
    return [...smallest, ...inOrder(others, ({ job }) => job.uses * job.size)];
  }

  results(): TuneResult[] {
    return decideAll(this.#measured);
  }

  /** Runs each candidate once and the close ones once more; then drops the clearly worse. */
  async #survey(one: Measured<Job>): Promise<void> {
    const { candidates, table, family } = one.job;
    const expected = (candidate: Candidate) => one.expected(candidate, this.#measured);
    // The table's choice first: if the budget ends here, the others are compared with it. The slowest last.
    const others = candidates.filter((each) => each !== table).sort((a, b) => expected(a) - expected(b));
    for (const candidate of [table, ...others]) {
      if (candidate !== table && this.#isHopeless(family, candidate)) continue;
      if (await this.#first(one, candidate)) continue;
      // Candidates that would probably be dropped anyway must not cost the others their turn.
      if (candidate === table || expected(candidate) <= CLEARLY_WORSE * leastOf(one.times)) return;
    }
    for (const candidate of one.within(NO_DOUBT)) {
      const count = repetitions(SURVEY_MS, one.least(candidate));
      if (!(await this.#more(one, candidate, count))) return;
    }
    this.#remember(one);
    one.drop(CLEARLY_WORSE);
    one.surveyed = true;
  }

  /** One round. @returns false if the budget has no room for all of it */
  async #takeTurns(one: Measured<Job>): Promise<boolean> {
    for (const candidate of one.left) {
      const count = repetitions(ROUND_MS, one.least(candidate));
      if (!(await this.#more(one, candidate, count))) return false;
    }
    one.drop(one.finished ? LATER_WORSE : CLEARLY_WORSE);
    return true;
  }

  /** One run, or two if the first had to compile. @returns false if the budget has no room for it */
  async #first(one: Measured<Job>, candidate: Candidate): Promise<boolean> {
    const { now } = this.#options;
    if (!this.#hasRoom(2 * one.expected(candidate, this.#measured), true)) return false;
    const started = now();
    const first = await this.#time(one, candidate, 1);
    if (!first) return true;
    if (!first.compiled) {
      one.add(candidate, first.ms);
      return true;
    }
    const compiled = now();
    const second = await this.#time(one, candidate, 1);
    if (second) one.add(candidate, second.ms);
    this.#budget.compiled(compiled - started - (now() - compiled));
    return true;
  }

  async #more(one: Measured<Job>, candidate: Candidate, count: number): Promise<boolean> {
    if (!this.#hasRoom(one.wall(candidate) * count, false)) return false;
    const round = await this.#time(one, candidate, count);
    if (round) one.add(candidate, round.ms);
    return true;
  }

  /** Drops a failing candidate for this piece of work. If all fail, the candidates are not the cause. */
  async #time(one: Measured<Job>, candidate: Candidate, count: number) {
    const { measurer, now } = this.#options;
    const started = now();
    try {
      const result = await measurer.time(one.job, candidate, count);
      one.took(candidate, (now() - started) / count);
      return result;
    } catch (error) {
      if (!(error instanceof DawngradError) || error instanceof NoAdapterError) throw error;
      one.fail(candidate, error.message);
      if (one.job.candidates.every((each) => one.failed.has(each))) throw error;
      return undefined;
    }
  }

  #hasRoom(ms: number, mayCompile: boolean): boolean {
    return !this.#options.signal?.aborted && this.#budget.hasRoom(ms, mayCompile);
  }

  #isHopeless(family: string, candidate: Candidate): boolean {
    const hope = this.#hopes.get(`${family} ${candidate}`);
    return hope !== undefined && !hope.near && hope.far >= HOPELESS.works;
  }

  #remember(one: Measured<Job>): void {
    const best = leastOf(one.times);
    for (const candidate of one.times.keys()) {
      const key = `${one.job.family} ${candidate}`;
      const hope = this.#hopes.get(key) ?? { far: 0, near: false };
      const ratio = one.least(candidate) / best;
      if (ratio <= HOPELESS.factor) hope.near = true;
      else hope.far += ratio > HOPELESS.beyond ? HOPELESS.works / 2 : 1;
      this.#hopes.set(key, hope);
    }
  }

  #progress(): void {
    const { now, startedAt, jobs, onProgress } = this.#options;
    onProgress?.({ done: ++this.#done, steps: (1 + ROUNDS) * jobs.length, seconds: (now() - startedAt) / 1000 });
  }
}

/** The largest first; equal ones stay in their order. */
function inOrder<T>(values: readonly T[], weight: (value: T) => number): T[] {
  return [...values].sort((a, b) => weight(b) - weight(a));
}

const repetitions = (fill: number, ms: number) => Math.min(MAX_REPETITIONS, Math.max(1, Math.ceil(fill / ms)));
