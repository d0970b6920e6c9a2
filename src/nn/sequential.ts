/** A chain of modules. */
import type { Tensor } from '../autograd/tensor.ts';
import { BatchNorm2d } from './batch-norm2d.ts';
import { Conv2d } from './conv2d.ts';
import { Module } from './module.ts';
import { pipe, type Step } from './pipe.ts';

/** Runs its modules one after another. Their names in the state dict are "0", "1", … */
export class Sequential extends Module {
  constructor(...modules: readonly Module[]) {
    super();
    modules.forEach((module, index) => {
      this.registerModule(String(index), module);
    });
  }

  override forward(input: Tensor): Tensor {
    const modules = [...this.children.values()];
    const steps = modules.flatMap((module, i): Step[] => {
      const before = modules[i - 1];
      if (module instanceof BatchNorm2d && before instanceof Conv2d) {
        return [(x) => module.callAfter(before, x, { relu: false })];
      }
      // The batch norm after a convolution calls it.
      return module instanceof Conv2d && modules[i + 1] instanceof BatchNorm2d ? [] : [module];
    });
    return pipe(input, ...steps);
  }
}
