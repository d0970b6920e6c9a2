/** Progress of work that is usually short. */

/** Time between two progress lines without a terminal. */
export const SECONDS_BETWEEN_LINES = 10;
/** Before the first line. */
const SECONDS_OF_SILENCE = 3;

/** Tells of work that takes long: the first line after some seconds, then one from time to time. */
export class LongWork {
  #last: number | undefined;
  #hasTold = false;

  /** `400 of 1,000` if a line is due. */
  counts(done: number, total: number): string | undefined {
    const now = performance.now();
    this.#last ??= now - (SECONDS_BETWEEN_LINES - SECONDS_OF_SILENCE) * 1000;
    const isDue = now - this.#last >= SECONDS_BETWEEN_LINES * 1000 || (done === total && this.#hasTold);
    if (!isDue) return undefined;
    this.#last = now;
    this.#hasTold = true;
    return `${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')}`;
  }
}
