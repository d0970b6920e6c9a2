/** The tutorial's rule for which weights to keep. */

/**
 * Remembers the best state by validation accuracy. The first best is the state before training, with accuracy 0. Only
 * a strictly better state replaces it: among equals the first stays.
 */
export class Best<State> {
  #state: State;
  #acc = 0;
  #epoch: number | null = null;

  constructor(initial: State) {
    this.#state = initial;
  }

  /** The best state so far. */
  get state(): State {
    return this.#state;
  }

  /** Its accuracy, from 0 to 1. */
  get acc(): number {
    return this.#acc;
  }

  /** The epoch of the best state, from 0; null for the state before training. */
  get epoch(): number | null {
    return this.#epoch;
  }

  /** Whether a state of this accuracy would replace the best one. */
  isBetter(acc: number): boolean {
    return acc > this.#acc;
  }

  /** Makes a state the best. Call it only where `isBetter` returned true. */
  replace(state: State, acc: number, epoch: number): void {
    this.#state = state;
    this.#acc = acc;
    this.#epoch = epoch;
  }
}
