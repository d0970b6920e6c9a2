/** Which variant of a convolution runs: a pure function of pass, shape, adapter, and what was tuned on it. */
import type { AdapterTraits } from '../gpu/gpu.ts';
import { type Conv2dPass, type Conv2dVariant, conv2dCandidates } from './conv2d-candidates.ts';
import { type Conv2dShape, describeConv2d } from './conv2d-shape.ts';
import { tabledConv2d } from './conv2d-table.ts';
import type { TunedChoices, Work } from './work.ts';

/** One pass of a convolution of one shape: what a kernel is chosen for. */
export interface Conv2dWork extends Work {
  readonly kind: 'conv2d';
  readonly pass: Conv2dPass;
  readonly shape: Conv2dShape;
}

/** Its name, such as `conv2d forward 4x64x56x56 -> 64, 3x3 /1 +1`, holds all that the choice depends on. */
export function conv2dWork(pass: Conv2dPass, shape: Conv2dShape): Conv2dWork {
  return { kind: 'conv2d', name: `conv2d ${pass} ${describeConv2d(shape)}`, pass, shape };
}

export const isConv2dWork = (work: Work): work is Conv2dWork => 'kind' in work && work.kind === 'conv2d';

/**
 * @param tuned a choice in it that cannot compute the shape counts for nothing
 * @returns what was tuned, else what the shipped table says
 */
export function chooseConv2d(
  pass: Conv2dPass,
  shape: Conv2dShape,
  traits: AdapterTraits,
  tuned?: TunedChoices,
): Conv2dVariant {
  const measured = tuned?.size ? tuned.get(conv2dWork(pass, shape).name) : undefined;
  const possible = measured && conv2dCandidates(pass, shape, traits).find((variant) => variant === measured);
  return possible || tabledConv2d(pass, shape, traits);
}
