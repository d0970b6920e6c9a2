/** A chain of modules and functions. */
import { OptionError } from '../autograd/errors.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Step } from './fuse.ts';
import { Module } from './module.ts';
import { pipe } from './pipe.ts';

/**
 * Runs its steps one after another: modules of one tensor, and functions such as `gelu`. Their names in the state dict
 * are "0", "1", …; a function takes a number too, as the module that torch has in its place.
 */
export class Sequential extends Module {
  readonly #steps: Step[];

  constructor(...steps: readonly Step[]) {
    super();
    this.#steps = [...steps];
    steps.forEach((step, index) => {
      if (step instanceof Module) this.registerModule(String(index), step);
    });
  }

  /** Its steps now, in order. */
  get steps(): readonly Step[] {
    return this.#steps;
  }

  /**
   * Puts another module in the place of one, under the same name. The caller disposes the old one.
   * @param index of a step that is a module, from 0
   * @throws OptionError if there is none
   */
  replace(index: number, module: Module): void {
    if (!(this.#steps[index] instanceof Module)) {
      throw new OptionError(`Sequential: expected the index of one of its modules, got ${index}.`);
    }
    this.#steps[index] = this.registerModule(String(index), module);
  }

  override forward(input: Tensor): Tensor {
    return pipe(input, ...this.#steps);
  }
}
