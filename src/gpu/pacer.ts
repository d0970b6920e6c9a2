/**
 * Waiting without spinning. While a promise of Dawn is pending, its Node binding polls in a busy loop on the main thread,
 * which costs a core that a CPU adapter needs. So we sleep until the awaited work should nearly be done and only then ask.
 *
 * The queue runs one submission after another: work submitted at `t` ends about `duration` after the later of `t` and the
 * end of the work before it. The duration is learnt per label ("train step", "val batch") from how long it took before.
 * All times are in milliseconds on one clock.
 */

/** Share of the predicted time that is slept where a late wake-up would leave the device idle; the rest is spun. */
const CAREFUL_SHARE = 0.9;
/** An answer within this time of asking means that the work had ended before: we slept too long. */
const IMMEDIATE_MS = 2;
/**
 * What is left of an estimate that proved too long: once, a few times in a row, more often. The true duration is unknown
 * then, only that it was less, so the first cuts are small and those after them reach a much smaller one quickly.
 */
const CUTS = [0.97, 0.9, 0.7] as const;

interface Estimate {
  /** Undefined until there is something to go by. */
  duration: number | undefined;
  seen: number;
  /** How often in a row we slept too long. */
  late: number;
}

export class Pacer {
  readonly #estimates = new Map<string, Estimate>();
  #queueFreeAt = 0;

  /**
   * Milliseconds from `now` to sleep before asking for work with this label, submitted at `submittedAt`. With `more` work
   * behind it in the queue waking late costs nothing, and the whole predicted time is slept; without, most of it.
   */
  sleepFor(label: string, submittedAt: number, now: number, more = false): number {
    const duration = this.#estimates.get(label)?.duration;
    if (duration === undefined) return 0;
    const start = Math.max(submittedAt, this.#queueFreeAt);
    return Math.max(0, start + duration * (more ? 1 : CAREFUL_SHARE) - now);
  }

  /** Work with this label, submitted at `submittedAt`, was asked for at `askedAt` and known to be finished at `now`. */
  finished(label: string, submittedAt: number, askedAt: number, now: number): void {
    const estimate = this.#estimates.get(label) ?? { duration: undefined, seen: 0, late: 0 };
    this.#estimates.set(label, estimate);
    const took = now - Math.max(submittedAt, this.#queueFreeAt);
    this.#queueFreeAt = now;
    // The first time compiles shaders, which takes many times as long as running them: nothing to learn from.
    if (++estimate.seen === 1) return;
    const { duration } = estimate;
    if (duration === undefined) {
      estimate.duration = took;
    } else if (now - askedAt < IMMEDIATE_MS) {
      estimate.duration = Math.min(took, duration) * CUTS[Math.min(estimate.late, CUTS.length - 1)]!;
      estimate.late++;
    } else {
      // Shorter times count at once, longer ones slowly: a hiccup must not make us sleep too long.
      estimate.duration = took < duration ? took : duration + 0.2 * (took - duration);
      estimate.late = 0;
    }
  }
}
