/** Running modules and ops one after another while holding no more than two of the tensors between them. */
import type { Tensor } from '../autograd/tensor.ts';
import type { Module } from './module.ts';

/** Something that makes a tensor of a tensor: a module, or an op. */
export type Step = Module | ((input: Tensor) => Tensor);

/**
 * Feeds `input` to the first step, its result to the second, and so on. Each result is disposed as soon as the next step
 * has run, instead of at the end of the scope; `input` and the last result are left alone.
 */
export function pipe(input: Tensor, ...steps: readonly Step[]): Tensor {
  let current = input;
  for (const step of steps) {
    const next = typeof step === 'function' ? step(current) : step.call(current);
    if (current !== input && current !== next) current.dispose();
    current = next;
  }
  return current;
}
