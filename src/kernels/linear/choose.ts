/** Chooses a variant of the fully connected layer: a pure function of pass, size, adapter and tuning. */
import type { AdapterTraits } from '../../gpu/gpu.ts';
import type { TunedChoices, Work } from '../work.ts';
import { dots } from './dots.ts';
import { describeLinear, type LinearKernels, type LinearSize } from './shape.ts';
import { tiled } from './tiled.ts';

export type LinearPass = keyof LinearKernels;

/** The simplest first: dot products, then tiled products for GPUs. Both compute any size on any adapter, in f32. */
export const linearVariants = { dots, tiled } satisfies Record<string, LinearKernels>;
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

/** Returns every variant that can compute the size, the simplest first. */
export function linearCandidates({ half }: LinearSize): LinearVariant[] {
  return half ? ['dots'] : (Object.keys(linearVariants) as LinearVariant[]);
}

/** A tile has 64 rows and 64 columns. With fewer rows or columns than this, most of it is padding. */
const WORTH_A_TILE = 16;

/** The shipped table: tiles on GPUs if the layer fills them at least in part. CPUs gain nothing from tiles. */
export function tabledLinear(pass: LinearPass, size: LinearSize, traits: Pick<AdapterTraits, 'kind'>): LinearVariant {
  const { rows, inFeatures, outFeatures, half } = size;
  if (traits.kind === 'cpu' || half) return 'dots';
  const sides = { forward: [rows, outFeatures], inputGrad: [rows, inFeatures], weightGrad: [outFeatures, inFeatures] };
  return Math.min(...sides[pass]) >= WORTH_A_TILE ? 'tiled' : 'dots';
}

/** Returns the tuned variant if it can compute the size, else the shipped table's. */
export function chooseLinear(
  pass: LinearPass,
  size: LinearSize,
  traits: AdapterTraits,
  tuned?: TunedChoices,
): LinearVariant {
  const measured = tuned?.size ? tuned.get(linearWork(pass, size).name) : undefined;
  return linearCandidates(size).find((variant) => variant === measured) ?? tabledLinear(pass, size, traits);
}
