/** A chain of modules and functions. */
import type { Tensor } from '../autograd/tensor.ts';
import type { Step } from './fuse.ts';
import { Module } from './module.ts';
import { pipe } from './pipe.ts';

/**
 * Runs its steps one after another: modules of one tensor, and functions such as `gelu`. Their names in the state dict
 * are "0", "1", …; a function takes a number too, as the module that torch has in its place.
 */
export class Sequential extends Module {
  readonly #steps: readonly Step[];

  constructor(...steps: readonly Step[]) {
    super();
    this.#steps = steps;
    steps.forEach((step, index) => {
      if (step instanceof Module) this.registerModule(String(index), step);
    });
  }

  override forward(input: Tensor): Tensor {
    return pipe(input, ...this.#steps);
  }
}
