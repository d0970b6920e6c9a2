/** The time limits of tuning and the time left. */

export interface TuneLimits {
  /** Milliseconds for everything but compiling. With a warm shader cache that is everything. */
  readonly measureMs: number;
  /** Milliseconds in all, compiling included. */
  readonly totalMs: number;
}

/** Compiling in less time means a warm cache, and counts as measuring. */
const COLD_MS = 200;

/** Factor of the budget if shaders must be compiled: 3 minutes for a budget of 30 seconds. */
const COLD_FACTOR = 6;

/** @param seconds budget of tuning with a warm shader cache */
export function tuneLimits(seconds: number): TuneLimits {
  return { measureMs: seconds * 1000, totalMs: COLD_FACTOR * seconds * 1000 };
}

/** Starts at the given moment. Work starts only if it is expected to end in time. */
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

  /** Whether there is time for work of this duration, which may compile a kernel first. */
  hasRoom(ms: number, mayCompile: boolean): boolean {
    const elapsed = this.#now() - this.#startedAt + ms;
    const { measureMs, totalMs } = this.#limits;
    return elapsed - this.#compileMs <= measureMs && elapsed + (mayCompile ? this.#longestCompile : 0) <= totalMs;
  }

  /** Records the extra time that compiling took, milliseconds. */
  compiled(ms: number): void {
    if (ms < COLD_MS) return;
    this.#compileMs += ms;
    this.#longestCompile = Math.max(this.#longestCompile, ms);
  }
}
