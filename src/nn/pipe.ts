/** Runs modules and ops one after another. It holds at most two of the tensors between them. */
import type { DType } from '../autograd/dtype.ts';
import { Storage } from '../autograd/storage.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { fuse, type Step } from './fuse.ts';

/**
 * Passes `input` to the first step, its result to the second, and so on. Each intermediate is disposed as soon as the
 * next step has run, instead of at the end of the scope. `input`, the last result and tensors that a step keeps stay. A convolution, its batch
 * norm and ReLU take fewer passes over memory as neighbours than alone.
 */
export function pipe(input: Tensor<DType>, ...steps: readonly Step[]): Tensor {
  const since = Storage.made;
  // A first step that takes indices gets them; the types of the others fit.
  let current = input as Tensor;
  for (const step of fuse(steps)) {
    const next = step(current);
    // A tensor that was there before, or that a step keeps, is not the pipe's.
    const own = current !== input && current.storage.serial >= since && !current.holdings.kept;
    if (own && current !== next) current.dispose();
    current = next;
  }
  return current;
}
