/** Which variant of a convolution runs: a pure function of pass, shape and adapter. */
import type { AdapterTraits } from '../gpu/gpu.ts';
import type { Conv2dShape } from './conv2d-shape.ts';

export type Conv2dPass = 'forward' | 'inputGrad' | 'weightGrad';

/**
 * `rows`: register tiles fed from memory, for CPU adapters, where every load costs per invocation and workgroup memory is
 * no cheaper than a buffer. `tiled`: tiles in workgroup memory, for GPUs. Both compute every shape on every adapter.
 */
export type Conv2dVariant = 'rows' | 'tiled';

export const CONV2D_VARIANTS: readonly Conv2dVariant[] = ['rows', 'tiled'];

let forced: Conv2dVariant | undefined;

/** Makes every choice the given variant, or free again with `undefined`. For tests and benchmarks. */
export function forceConv2dVariant(variant: Conv2dVariant | undefined): void {
  forced = variant;
}

export function chooseConv2d(_pass: Conv2dPass, _shape: Conv2dShape, traits: AdapterTraits): Conv2dVariant {
  return forced ?? (traits.kind === 'cpu' ? 'rows' : 'tiled');
}
