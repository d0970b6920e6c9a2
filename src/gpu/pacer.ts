/**
 * Waiting without spinning. While a promise of Dawn is pending, its Node binding polls in a busy loop on the main thread,
 * which costs a core that a CPU adapter needs. So we sleep until the awaited work should nearly be done and only then ask.
 *
 * The queue runs one submission after another: work submitted at `t` ends about `duration` after the later of `t` and the
 * end of the work before it. The duration is learnt per label ("train step", "val batch") from how long it took before.
 */

/** Share of the predicted time that is slept; the rest is spun. Errs on the early side: a late wake-up idles the device. */
const SLEEP_SHARE = 0.9;

export class Pacer {
  readonly #duration = new Map<string, number>();
  #queueFreeAt = 0;

  /** Milliseconds from `now` for which work with this label, submitted at `submittedAt`, surely still runs. */
  sleepFor(label: string, submittedAt: number, now: number): number {
    const duration = this.#duration.get(label);
    if (duration === undefined) return 0;
    const start = Math.max(submittedAt, this.#queueFreeAt);
    return Math.max(0, start + duration * SLEEP_SHARE - now);
  }

  /** Work with this label, submitted at `submittedAt`, was seen to be finished at `now`. */
  finished(label: string, submittedAt: number, now: number): void {
    const took = now - Math.max(submittedAt, this.#queueFreeAt);
    this.#queueFreeAt = now;
    const before = this.#duration.get(label);
    // Shorter times count at once (we slept too long), longer ones slowly (a hiccup must not make us sleep too long).
    this.#duration.set(label, before === undefined || took < before ? took : before + 0.2 * (took - before));
  }
}
