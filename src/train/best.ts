/** The tutorial's rule of which weights to keep. */

/**
 * Remembers the best state by validation accuracy. The state before training is the first best, with accuracy 0, and
 * only a strictly better one replaces it: of equals the first stays.
 */
export class Best<State> {
  #state: State;
  #acc = 0;
  #epoch: number | null = null;

  constructor(initial: State) {
    this.#state = initial;
  }

  /** What was best so far. */
  get state(): State {
    return this.#state;
  }

  /** Its accuracy, from 0 to 1. */
  get acc(): number {
    return this.#acc;
  }

  /** Null for the state before training. */
  get epoch(): number | null {
    return this.#epoch;
  }

  /** Whether a state of this accuracy would replace the best. */
  isBetter(acc: number): boolean {
    return acc > this.#acc;
  }

  /** Makes a state the best; to be called where `isBetter`. */
  replace(state: State, acc: number, epoch: number): void {
    this.#state = state;
    this.#acc = acc;
    this.#epoch = epoch;
  }
}
