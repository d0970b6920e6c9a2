/** Passing tensors past TypeScript's checks. */
import type { DType } from '../../src/autograd/dtype.ts';
import type { Tensor } from '../../src/autograd/tensor.ts';

/**
 * Passes a tensor whose type TypeScript would refuse, as plain JavaScript could, so that the run-time check is reached.
 */
export function untyped<T = Tensor>(tensor: Tensor<DType>): T {
  return tensor as unknown as T;
}
