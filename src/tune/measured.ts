/** The measurements of one piece of work and the decision from them. */

/** Name of a kernel variant. */
export type Candidate = string;

/** A piece of work that several kernels can compute. */
export interface TuneJob {
  /** As `Work.name`. */
  readonly name: string;
  /** Jobs of one family differ only in shape: a kernel far too slow for several of them is too slow for all. */
  readonly family: string;
  /** How often a run does this job, relative to the other jobs. */
  readonly uses: number;
  /** Amount of work per use, in a unit that all jobs share. */
  readonly size: number;
  /** The simplest first. */
  readonly candidates: readonly Candidate[];
  /** The choice without measurements. */
  readonly table: Candidate;
  /** Another job with which some candidates share work if both use them, and which candidates do. */
  readonly twin?: { readonly name: string; readonly shares: (candidate: Candidate) => boolean } | undefined;
}

/** Times within this factor count as equal, and the simpler kernel wins. */
export const TIE = 1.03;

/**
 * `measured`: finished. `unfinished`: the budget ran out before near equals could be told apart; the table's choice
 * stays unless it was clearly worse. `not reached`: the budget ran out earlier; the table's choice stays.
 */
export type TuneState = 'measured' | 'unfinished' | 'not reached';

/** The result for one piece of work. */
export interface TuneResult {
  /** As `Work.name`. */
  readonly name: string;
  readonly uses: number;
  readonly candidates: readonly Candidate[];
  /** The shortest time of each measured candidate, milliseconds. */
  readonly ms: Readonly<Record<Candidate, number>>;
  /** The choice of the shipped table. */
  readonly table: Candidate;
  /** The choice to use. */
  readonly choice: Candidate;
  readonly state: TuneState;
  /** The reason for each candidate that failed. */
  readonly failed: Readonly<Record<Candidate, string>>;
}

/** The times of one job's candidates so far. */
export class Measured<Job extends TuneJob = TuneJob> {
  readonly job: Job;
  /** The shortest time of each candidate. Disturbances only make a time longer. */
  readonly times = new Map<Candidate, number>();
  readonly failed = new Map<Candidate, string>();
  readonly #walls = new Map<Candidate, number>();
  readonly #dropped = new Set<Candidate>();
  surveyed = false;
  /** Rounds since the survey. */
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

  /** Records the duration of a candidate's last measurement, milliseconds divided by its runs. */
  took(candidate: Candidate, ms: number): void {
    this.#walls.set(candidate, ms);
  }

  /**
   * Expected duration of the next measurement. It exceeds the measured time: buffers are filled and results awaited.
   */
  wall(candidate: Candidate): number {
    return this.#walls.get(candidate) ?? 0;
  }

  /** Drops its earlier times too: a candidate that fails once may fail in the run. */
  fail(candidate: Candidate, reason: string): void {
    this.failed.set(candidate, reason);
    this.times.delete(candidate);
  }

  /** The remaining candidates, the simplest first. */
  get left(): Candidate[] {
    return this.job.candidates.filter((one) => this.times.has(one) && !this.#dropped.has(one));
  }

  /** The remaining candidates that are at most `factor` times slower than the best. */
  within(factor: number): Candidate[] {
    const best = leastOf(this.times);
    return this.left.filter((one) => this.least(one) <= factor * best);
  }

  drop(factor: number): void {
    const kept = this.within(factor);
    for (const one of this.left) if (!kept.includes(one)) this.#dropped.add(one);
  }

  /** Milliseconds per use with the table's choice; 0 if unknown. */
  get costOfTable(): number {
    return this.times.get(this.job.table) ?? 0;
  }

  /**
   * Expected duration of a candidate's first measurement, milliseconds, from the job of the family nearest in size that
   * it has done. Without such a job, it counts as fast as the other candidates here; the very first candidate counts as
   * 0.
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

/** The simplest candidate that is as fast as the best, unless the measurements do not suffice to leave the table. */
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
 * Decides all jobs. If one of two twins would get a candidate that shares work and the other not, they are decided
 * together: neither was measured doing the shared work alone.
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
    // Candidates are in order, so this finds the simplest first.
    const chosen = pairs.find(({ ms }) => ms <= TIE * best);
    if (!chosen) continue;
    results.set(name, { ...own, choice: chosen.a });
    results.set(twin.name, { ...other, choice: chosen.b });
  }
  return measured.map(({ job }) => results.get(job.name)!);
}
