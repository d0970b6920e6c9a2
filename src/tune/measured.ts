/** What was measured of one piece of work, and what follows from it. */

/** Name of a kernel variant. */
export type Candidate = string;

/** A piece of work that several kernels can do. */
export interface TuneJob {
  /** As `Work.name`. */
  readonly name: string;
  /** Jobs of one family differ only in shape, so that a kernel far too slow for several of them is so for all. */
  readonly family: string;
  /** How often a run does this, beside the other jobs. */
  readonly uses: number;
  /** How much there is to do each time, in a unit that all jobs share. */
  readonly size: number;
  /** From the simplest on. */
  readonly candidates: readonly Candidate[];
  /** What is used where nobody measures. */
  readonly table: Candidate;
  /** Another job that some candidates share work with, if they do both; and which candidates do. */
  readonly twin?: { readonly name: string; readonly shares: (candidate: Candidate) => boolean } | undefined;
}

/** Times this close are equal, and the simpler kernel is kept. */
export const TIE = 1.03;

/**
 * `measured`: to the end. `unfinished`: the budget ran out before near equals could be told apart, so that the table's choice is
 * kept unless it was clearly worse. `not reached`: it ran out before that; the table's choice is kept.
 */
export type TuneState = 'measured' | 'unfinished' | 'not reached';

/** What came out for one piece of work. */
export interface TuneResult {
  /** As `Work.name`. */
  readonly name: string;
  readonly uses: number;
  readonly candidates: readonly Candidate[];
  /** The least milliseconds of each candidate that was measured. */
  readonly ms: Readonly<Record<Candidate, number>>;
  /** What the shipped table says. */
  readonly table: Candidate;
  /** What is to be used. */
  readonly choice: Candidate;
  readonly state: TuneState;
  /** Why candidates could not be measured, where they failed. */
  readonly failed: Readonly<Record<Candidate, string>>;
}

/** The times of one job's candidates so far. */
export class Measured<Job extends TuneJob = TuneJob> {
  readonly job: Job;
  /** The least of the times of each candidate; a hiccup makes a time longer, and nothing makes one shorter. */
  readonly times = new Map<Candidate, number>();
  readonly failed = new Map<Candidate, string>();
  readonly #walls = new Map<Candidate, number>();
  readonly #dropped = new Set<Candidate>();
  surveyed = false;
  /** Rounds in turns since then. */
  rounds = 0;
  finished = false;

  constructor(job: Job) {
    this.job = job;
  }

  add(candidate: Candidate, ms: number): void {
    this.times.set(candidate, Math.min(ms, this.least(candidate)));
  }

  least(candidate: Candidate): number {
    return this.times.get(candidate) ?? Number.POSITIVE_INFINITY;
  }

  /** Tells how long the last measurement of a candidate was under way, milliseconds by its number of runs. */
  took(candidate: Candidate, ms: number): void {
    this.#walls.set(candidate, ms);
  }

  /** How long the next one will be: more than the time that is measured, as buffers are filled and results waited for. */
  wall(candidate: Candidate): number {
    return this.#walls.get(candidate) ?? 0;
  }

  /** Whatever it took before: what fails once may fail in the run. */
  fail(candidate: Candidate, reason: string): void {
    this.failed.set(candidate, reason);
    this.times.delete(candidate);
  }

  /** Candidates that are still in the race, the simplest first. */
  get left(): Candidate[] {
    return this.job.candidates.filter((one) => this.times.has(one) && !this.#dropped.has(one));
  }

  /** Those of them that are at most so many times slower than the best. */
  within(factor: number): Candidate[] {
    const best = leastOf(this.times);
    return this.left.filter((one) => this.least(one) <= factor * best);
  }

  drop(factor: number): void {
    const kept = this.within(factor);
    for (const one of this.left) if (!kept.includes(one)) this.#dropped.add(one);
  }

  /** Milliseconds of one use by the table's choice; 0 while that is not known. */
  get costOfTable(): number {
    return this.times.get(this.job.table) ?? 0;
  }

  /**
   * How long the first measurement of a candidate will be, milliseconds, by the job nearest in size that it has done of the
   * family. Before the first of them it is taken to be as fast as others here, and the first candidate of all to take no time.
   */
  expected(candidate: Candidate, all: readonly Measured[]): number {
    const { family, size } = this.job;
    const distance = (one: Measured) => Math.abs(Math.log(one.job.size / size));
    const [nearest] = all
      .filter((one) => one.job.family === family && one.times.has(candidate))
      .sort((a, b) => distance(a) - distance(b));
    return nearest ? (nearest.wall(candidate) / nearest.job.size) * size : Math.max(0, ...this.#walls.values());
  }
}

export function leastOf(times: ReadonlyMap<Candidate, number>): number {
  return Math.min(Number.POSITIVE_INFINITY, ...times.values());
}

/** The simplest of the candidates that are as fast as the best, unless too little is known to depart from the table. */
export function decide(one: Measured): TuneResult {
  const { name, uses, candidates, table } = one.job;
  const left = one.left;
  const state: TuneState = one.finished ? 'measured' : one.surveyed ? 'unfinished' : 'not reached';
  const keepsTable = state === 'not reached' || (state === 'unfinished' && left.includes(table));
  const best = (keepsTable ? undefined : one.within(TIE)[0]) ?? table;
  return {
    name,
    uses,
    candidates,
    ms: Object.fromEntries(candidates.filter((each) => one.times.has(each)).map((each) => [each, one.least(each)])),
    table,
    choice: best,
    state,
    failed: Object.fromEntries(one.failed),
  };
}

/**
 * Decides all jobs. Twins of which one would have a candidate that shares, and the other not, are decided together: neither was
 * measured doing the shared work alone.
 */
export function decideAll(measured: readonly Measured[]): TuneResult[] {
  const results = new Map(measured.map((one) => [one.job.name, decide(one)]));
  for (const { job } of measured) {
    const { twin, name } = job;
    const [own, other] = [results.get(name)!, twin && results.get(twin.name)];
    if (!twin || !other) continue;
    const splits = (a: Candidate, b: Candidate) => a !== b && (twin.shares(a) || twin.shares(b));
    if (!splits(own.choice, other.choice)) continue;
    if (own.state !== 'measured' || other.state !== 'measured') {
      results.set(name, { ...own, choice: own.table });
      results.set(twin.name, { ...other, choice: other.table });
      continue;
    }
    const pairs = Object.keys(own.ms)
      .flatMap((a) => Object.keys(other.ms).map((b) => ({ a, b, ms: own.ms[a]! + other.ms[b]! })))
      .filter(({ a, b }) => !splits(a, b));
    const best = Math.min(...pairs.map(({ ms }) => ms));
    // In the order of the candidates, and so the simplest first.
    const chosen = pairs.find(({ ms }) => ms <= TIE * best);
    if (!chosen) continue;
    results.set(name, { ...own, choice: chosen.a });
    results.set(twin.name, { ...other, choice: chosen.b });
  }
  return measured.map(({ job }) => results.get(job.name)!);
}
