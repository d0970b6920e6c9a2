/** Kernels that store in f16 what they compute in f32: the same shaders with the constant `half`. */
import { defineKernel, type Kernel } from './kernel.ts';

/** A kernel, and the same one over f16. */
export interface Halvable<B extends string, U extends string> {
  readonly single: Kernel<B, U>;
  readonly half: Kernel<B, U>;
}

/** Declares both: the second under a name of its own, as it moves half the bytes. */
export function defineHalvable<B extends string, U extends string>(kernel: Kernel<B, U>): Halvable<B, U> {
  return { single: defineKernel(kernel), half: defineKernel(halfOf(kernel)) };
}

/** Declaration of a kernel over f16. A launch of it sets `half` too. */
export function halfOf<B extends string, U extends string>(kernel: Kernel<B, U>): Kernel<B, U> {
  return { ...kernel, name: `${kernel.name}_half`, example: { ...kernel.example, half: true } };
}
