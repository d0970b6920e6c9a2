/** Kernels that store in f16 and compute in f32: the same shaders with the constant `half`. */
import { defineKernel, type Kernel } from './kernel.ts';

/** A kernel over f32 and the same kernel over f16. */
export interface Halvable<B extends string, U extends string> {
  readonly single: Kernel<B, U>;
  readonly half: Kernel<B, U>;
}

/** Declares both. The f16 kernel gets its own name, because it moves half the bytes. */
export function defineHalvable<B extends string, U extends string>(kernel: Kernel<B, U>): Halvable<B, U> {
  return { single: defineKernel(kernel), half: defineKernel(halfOf(kernel)) };
}

/** Returns the declaration of a kernel over f16. A launch of it must set the constant `half` too. */
export function halfOf<B extends string, U extends string>(kernel: Kernel<B, U>): Kernel<B, U> {
  return { ...kernel, name: `${kernel.name}_half`, example: { ...kernel.example, half: true } };
}
