/** Runs modules and ops one after another. It holds at most two of the tensors between them. */
import type { Tensor } from '../autograd/tensor.ts';
import type { Module } from './module.ts';

/** Computes a tensor from a tensor: a module, or an op. */
export type Step = Module | ((input: Tensor) => Tensor);

/**
 * Passes `input` to the first step, its result to the second, and so on. Each intermediate is disposed as soon as the
 * next step has run, instead of at the end of the scope. `input` and the last result stay.
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
