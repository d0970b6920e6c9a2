/** One pass of a convolution of one shape: a kernel is chosen for it. */
import type { Work } from '../work.ts';
import { type Conv2dPass, type Conv2dShape, describeConv2d } from './shape.ts';

/** Everything that the choice among the kernels depends on, except the adapter. */
export interface Conv2dWork extends Work {
  readonly kind: 'conv2d';
  readonly pass: Conv2dPass;
  readonly shape: Conv2dShape;
  /** Whether the weights are not trained: then deriving data from them costs nothing. */
  readonly frozen: boolean;
}

/** Its name is such as `conv2d forward 4x64x56x56 -> 64, 3x3 /1 +1`; with ` frozen` at the end for frozen weights. */
export function conv2dWork(pass: Conv2dPass, shape: Conv2dShape, frozen = false): Conv2dWork {
  return {
    kind: 'conv2d',
    name: `conv2d ${pass} ${describeConv2d(shape)}${frozen ? ' frozen' : ''}`,
    pass,
    shape,
    frozen,
  };
}

export const isConv2dWork = (work: Work): work is Conv2dWork => 'kind' in work && work.kind === 'conv2d';
