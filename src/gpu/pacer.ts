/**
 * Waiting without spinning. While a promise of Dawn is pending, its Node binding polls in a busy loop on the main thread,
 * which costs a core that a CPU adapter needs. So we sleep until the awaited work should nearly be done and only then ask.
 *
 * The queue runs one submission after another: work submitted at `t` ends about `duration` after the later of `t` and the
 * end of the work before it. The duration is learnt per label ("train step", "val batch") from how long it took before.
 * All times are in milliseconds on one clock.
 */

/** Share of the predicted time that is slept; the rest is spun. Errs on the early side: a late wake-up idles the device. */
const SLEEP_SHARE = 0.9;
/** An answer within this time of asking means that the work had ended before: we slept too long. */
const IMMEDIATE_MS = 2;
/** What is left of an estimate that proved too long. The true duration is unknown then, only that it was less. */
const CUT = 0.7;

interface Estimate {
  /** Undefined until there is something to go by. */
  duration: number | undefined;
  seen: number;
}

export class Pacer {
  readonly #estimates = new Map<string, Estimate>();
  #queueFreeAt = 0;

  /** Milliseconds from `now` for which work with this label, submitted at `submittedAt`, surely still runs. */
  sleepFor(label: string, submittedAt: number, now: number): number {
    const duration = this.#estimates.get(label)?.duration;
    if (duration === undefined) return 0;
    const start = Math.max(submittedAt, this.#queueFreeAt);
    return Math.max(0, start + duration * SLEEP_SHARE - now);
  }

  /** Work with this label, submitted at `submittedAt`, was asked for at `askedAt` and known to be finished at `now`. */
  finished(label: string, submittedAt: number, askedAt: number, now: number): void {
    const estimate = this.#estimates.get(label) ?? { duration: undefined, seen: 0 };
    this.#estimates.set(label, estimate);
    const took = now - Math.max(submittedAt, this.#queueFreeAt);
    this.#queueFreeAt = now;
    // The first time compiles shaders, which takes many times as long as running them: nothing to learn from.
    if (++estimate.seen === 1) return;
    const { duration } = estimate;
    if (duration === undefined) estimate.duration = took;
    else if (now - askedAt < IMMEDIATE_MS) estimate.duration = Math.min(took, duration) * CUT;
    // Shorter times count at once, longer ones slowly: a hiccup must not make us sleep too long.
    else estimate.duration = took < duration ? took : duration + 0.2 * (took - duration);
  }
}
