/** Holds a device's kernel chooser. Nothing here knows a kernel. */
import { callSync } from './call-sync.ts';

/**
 * Chooses among kernels that compute the same result: a `Chooser`. The runtime only keeps it for code that launches
 * kernels.
 */
export abstract class KernelChooser {
  /** Keeps other classes from matching this type. */
  protected readonly isKernelChooser = true;
}

export class ChooserSlot {
  #current: KernelChooser | undefined;

  constructor(own: KernelChooser | undefined) {
    this.#current = own;
  }

  get current(): KernelChooser | undefined {
    return this.#current;
  }

  /** Runs `fn` with another chooser, then restores the previous one. @throws TypeError if `fn` is asynchronous */
  during<T>(chooser: KernelChooser, fn: () => T): T {
    const before = this.#current;
    this.#current = chooser;
    try {
      return callSync('withChooser', fn);
    } finally {
      this.#current = before;
    }
  }
}
