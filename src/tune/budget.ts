/** How long tuning may take, and how much of that is left. */

export interface TuneLimits {
  /** Milliseconds for everything but compiling. With a warm shader cache that is everything. */
  readonly measureMs: number;
  /** Milliseconds in all, compiling included. */
  readonly totalMs: number;
}

/** Compiling that takes less comes from a warm cache, and counts like everything else. */
const COLD_MS = 200;

/** How many times the budget may be taken where shaders have to be compiled: 3 minutes for one of 30 seconds. */
const COLD_FACTOR = 6;

/** @param seconds what tuning may take with a warm shader cache */
export function tuneLimits(seconds: number): TuneLimits {
  return { measureMs: seconds * 1000, totalMs: COLD_FACTOR * seconds * 1000 };
}

/** Runs from the moment it is told. Nothing is begun that would not end in time, as far as that can be foreseen. */
export class Budget {
  readonly #limits: TuneLimits;
  readonly #now: () => number;
  readonly #startedAt: number;
  #compileMs = 0;
  #longestCompile = 0;

  constructor(limits: TuneLimits, now: () => number, startedAt: number) {
    this.#limits = limits;
    this.#now = now;
    this.#startedAt = startedAt;
  }

  /** Whether there is time for something that takes this long, and may have to compile a kernel before. */
  hasRoom(ms: number, mayCompile: boolean): boolean {
    const elapsed = this.#now() - this.#startedAt + ms;
    const { measureMs, totalMs } = this.#limits;
    return elapsed - this.#compileMs <= measureMs && elapsed + (mayCompile ? this.#longestCompile : 0) <= totalMs;
  }

  /** Tells how much longer something took because it had to compile. */
  compiled(ms: number): void {
    if (ms < COLD_MS) return;
    this.#compileMs += ms;
    this.#longestCompile = Math.max(this.#longestCompile, ms);
  }
}
