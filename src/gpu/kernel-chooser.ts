/** The place that a device has for what chooses its kernels. Nothing here knows a kernel. */
import { callSync } from './refuse-async.ts';

/**
 * Whatever chooses among kernels that compute the same: a `Chooser`. The runtime keeps it for those who launch kernels, and
 * asks it nothing.
 */
export abstract class KernelChooser {
  /** So that nothing else passes for one. */
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

  /** Runs `fn` with another chooser in place. @throws TypeError if it is asynchronous */
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
