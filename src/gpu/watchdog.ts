/** Notices a device that gives no result any more: a hung kernel or driver, of which WebGPU says nothing. */
import { WatchdogError } from './errors.ts';

export class Watchdog {
  readonly #seconds: number;

  /** @param seconds the longest wait for one result; 0 waits for ever */
  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /** @throws WatchdogError if the promise is not settled in time */
  async watch<T>(promise: Promise<T>): Promise<T> {
    const seconds = this.#seconds;
    if (seconds === 0) return promise;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new WatchdogError(seconds)), seconds * 1000);
    });
    // If the limit comes first, nobody waits for the promise any more.
    promise.catch(() => {});
    try {
      return await Promise.race([promise, limit]);
    } finally {
      clearTimeout(timer);
    }
  }
}
