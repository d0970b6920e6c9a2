import type { DType } from '../../src/autograd/dtype.ts';
import type { Tensor } from '../../src/autograd/tensor.ts';

/** A tensor as plain JavaScript would pass it: of a type that TypeScript refuses, so that the check at run time is reached. */
export function untyped<T = Tensor>(tensor: Tensor<DType>): T {
  return tensor as unknown as T;
}
