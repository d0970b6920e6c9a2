/** A chain of modules. */
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';
import { pipe } from './pipe.ts';

/** Runs its modules one after another. Their names in the state dict are "0", "1", … */
export class Sequential extends Module {
  constructor(...modules: readonly Module[]) {
    super();
    modules.forEach((module, index) => {
      this.registerModule(String(index), module);
    });
  }

  override forward(input: Tensor): Tensor {
    return pipe(input, ...(this.children as ReadonlyMap<string, Module>).values());
  }
}
