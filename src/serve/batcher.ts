/** Gathers the pictures of waiting requests into batches. While one is computed, the next is decoded. */
import type { NamedBytes, Prediction, Predictor, Unreadable } from '../predict/index.ts';

/** The time of a request is over. */
export class LateError extends Error {
  override name = 'LateError';
}

export interface BatcherOptions {
  /** The most pictures of a batch. */
  readonly batchSize: number;
  /** Told the number of pictures when a batch begins. */
  readonly onBatch?: ((pictures: number) => void) | undefined;
  /** Told of an error that is no picture's fault. The batch's pictures fail with it too. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export type Outcome = Prediction | Unreadable;

/** The parts of a predictor that are used. */
export type BatchPredictor = Pick<Predictor, 'each' | 'classes'>;

interface Job {
  readonly picture: NamedBytes;
  readonly timer: NodeJS.Timeout;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/** Batches under way: one is decoded while the other is computed. */
const AT_ONCE = 2;

export class Batcher {
  readonly #predictor: BatchPredictor;
  readonly #options: BatcherOptions;
  #waiting: Job[] = [];
  #running = 0;

  constructor(predictor: BatchPredictor, options: BatcherOptions) {
    this.#predictor = predictor;
    this.#options = options;
  }

  /** Pictures that wait for a batch. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Predicts a picture, with all classes in the ranking.
   * @param seconds time after which it fails
   * @throws LateError; errors of the predictor that are not the picture's
   */
  add(picture: NamedBytes, seconds: number): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== job);
        reject(new LateError(`No answer after ${seconds} s.`));
      }, seconds * 1000);
      const job: Job = { picture, timer, resolve, reject };
      this.#waiting.push(job);
      // The other pictures of the same request, and of those that have just arrived, join the batch.
      setImmediate(() => this.#start());
    });
  }

  #start(): void {
    while (this.#running < AT_ONCE && this.#waiting.length > 0) {
      const jobs = this.#waiting.splice(0, this.#options.batchSize);
      this.#running++;
      void this.#run(jobs).finally(() => {
        this.#running--;
        this.#start();
      });
    }
  }

  async #run(jobs: readonly Job[]): Promise<void> {
    const pictures = jobs.map(({ picture }) => picture);
    let done = 0;
    try {
      this.#options.onBatch?.(jobs.length);
      for await (const outcome of this.#predictor.each(pictures, { top: this.#predictor.classes.length })) {
        const job = jobs[done++]!;
        clearTimeout(job.timer);
        job.resolve(outcome);
      }
    } catch (error) {
      this.#options.onError?.(error);
      for (const { timer, reject } of jobs.slice(done)) {
        clearTimeout(timer);
        reject(error);
      }
    }
  }
}
