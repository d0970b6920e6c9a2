/** Decides from the losses of a run's steps whether it has diverged. */
import { type DivergedAt, type DivergedError, ExplodedLossError, NonFiniteLossError } from './errors.ts';

/**
 * A loss may grow to this many times that of the start. The mean cross-entropy of a batch is the margin by which the
 * network prefers a wrong class, in logits. At the start it is about ln C, which guessing gives. The tutorial's runs stay
 * below 1.5 times that. Runs with rates of 0.1 to 0.3 on random weights in batches of 2, a hundred times too fast, came
 * to 900 to 28,000 times and back. A rate of 1 passes a million within ten steps, and of 1e30 with the first.
 */
const FACTOR = 1_000_000;

/**
 * Watches the losses of a run. The measure is the loss of its first step, which no update has touched yet, or that of
 * guessing if the first batch happens to be easy. Only train steps count: in evaluation mode the batch norms use
 * statistics that lag behind in the first epochs, and losses may be large without any harm.
 */
export class DivergenceWatch {
  readonly #guessing: number;
  #start: number | undefined;

  /** @param start the loss of the run's first step, if it has been done by an earlier start of the run */
  constructor(classes: number, start?: number | null) {
    this.#guessing = Math.log(classes);
    this.#start = start ?? undefined;
  }

  /** The loss of the run's first step. */
  get start(): number | undefined {
    return this.#start;
  }

  /** The largest loss that a train step may have. */
  get limit(): number {
    return FACTOR * Math.max(this.#guessing, this.#start ?? 0);
  }

  /**
   * The error of a step that has diverged. Call it with each step in order.
   * @param pictures the names of the step's pictures
   */
  see(step: Omit<DivergedAt, 'pictures'>, pictures: () => readonly string[]): DivergedError | undefined {
    const { phase, loss } = step;
    if (!Number.isFinite(loss)) return new NonFiniteLossError({ ...step, pictures: pictures() });
    if (phase !== 'train') return undefined;
    this.#start ??= loss;
    return loss > this.limit ? new ExplodedLossError({ ...step, pictures: pictures() }, this.limit) : undefined;
  }
}
