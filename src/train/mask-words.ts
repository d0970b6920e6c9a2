/**
 * The words that a phase's steps draw from the run's generator for their masks (dropout, stochastic depth). The pictures'
 * values of a phase are drawn when it begins. A phase that is resumed draws those again, and skips the masks of the steps
 * that it had done.
 */

/** The part of a Generator that is needed here. */
interface Words {
  /** Words so far. */
  readonly drawn: number;
  skip(words: number): void;
}

export class MaskWords {
  readonly #generator: Words;
  #toSkip: number;
  #count: number;

  /** @param done words of the steps of this phase before it was resumed */
  constructor(generator: Words, done = 0) {
    this.#generator = generator;
    this.#toSkip = done;
    this.#count = done;
  }

  /** Of the steps so far, as the position of a run holds it: a network that drops nothing adds nothing to it. */
  get position(): { readonly words?: number } {
    return this.#count > 0 ? { words: this.#count } : {};
  }

  /** Runs a step of the phase. Its pictures must have been drawn. */
  during<Result>(step: () => Result): Result {
    this.#generator.skip(this.#toSkip);
    this.#toSkip = 0;
    const before = this.#generator.drawn;
    const result = step();
    this.#count += this.#generator.drawn - before;
    return result;
  }
}
