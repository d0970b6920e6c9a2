/** Chooses a variant of the fully connected layer: a pure function of pass, size, adapter and tuning. */
import type { AdapterTraits } from '../../gpu/gpu.ts';
import { matmulCandidates, matmulVariants, tabledMatmul } from '../matmul/choose.ts';
import type { TunedChoices, Work } from '../work.ts';
import { dots } from './dots.ts';
import { linearProduct, products } from './products.ts';
import { describeLinear, type LinearKernels, type LinearSize, linearFlops } from './shape.ts';

export type LinearPass = keyof LinearKernels;

/** The simplest first: dot products on any adapter, then products in tiles, for GPUs and for CPUs. */
export const linearVariants = {
  dots,
  tiled: products(matmulVariants.tiled),
  rows: products(matmulVariants.rows),
} satisfies Record<string, LinearKernels>;
export type LinearVariant = keyof typeof linearVariants;

/** One pass of a layer of one size. A kernel is chosen for it. */
export interface LinearWork extends Work {
  readonly kind: 'linear';
  readonly pass: LinearPass;
  readonly size: LinearSize;
}

/** Its name, such as `linear forward 4x512 -> 2`, contains everything that the choice depends on. */
export function linearWork(pass: LinearPass, size: LinearSize): LinearWork {
  return { kind: 'linear', name: `linear ${pass} ${describeLinear(size)}`, pass, size };
}

export const isLinearWork = (work: Work): work is LinearWork => 'kind' in work && work.kind === 'linear';

/** Returns every variant that can compute the pass on this adapter, the simplest first. */
export function linearCandidates(pass: LinearPass, size: LinearSize, traits: AdapterTraits): LinearVariant[] {
  return size.half ? ['dots'] : matmulCandidates(linearProduct(pass, size), traits);
}

/**
 * On CPUs, a pass with this many multiply-adds or fewer is over before the copies that `rows` makes of its operands: of a layer
 * with few outputs, such as a head for two classes, and of one with more, whose dot products are short.
 */
const SMALL = { outputs: 16, few: 2 ** 16, more: 2 ** 13 } as const;

/** The shipped table: tiles, in the memory that the adapter is fast with, if the layer is large enough for them. */
export function tabledLinear(pass: LinearPass, size: LinearSize, traits: AdapterTraits): LinearVariant {
  const most = size.outFeatures < SMALL.outputs ? SMALL.few : SMALL.more;
  const small = traits.kind === 'cpu' && linearFlops(size) <= 2 * most;
  return size.half || small ? 'dots' : tabledMatmul(linearProduct(pass, size), traits);
}

/** Returns the tuned variant if it can compute the size, else the shipped table's. */
export function chooseLinear(
  pass: LinearPass,
  size: LinearSize,
  traits: AdapterTraits,
  tuned?: TunedChoices,
): LinearVariant {
  const measured = tuned?.size ? tuned.get(linearWork(pass, size).name) : undefined;
  return (
    linearCandidates(pass, size, traits).find((variant) => variant === measured) ?? tabledLinear(pass, size, traits)
  );
}
