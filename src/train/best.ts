/** The tutorial's rule for which weights to keep. */

/**
 * Remembers the best state by validation accuracy. The first best is the state before training, with accuracy 0. Only
 * a strictly better state replaces it: among equals the first stays.
 */
export class Best<State> {
  #state: State;
  #acc: number;
  #epoch: number | null;

  /** @param found when and how good it was, if it is not the state before training */
  constructor(
    initial: State,
    { epoch, acc }: { readonly epoch: number | null; readonly acc: number } = { epoch: null, acc: 0 },
  ) {
    this.#state = initial;
    this.#acc = acc;
    this.#epoch = epoch;
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
