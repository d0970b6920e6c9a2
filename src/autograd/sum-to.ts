/** sumTo: undoes a broadcast, for the gradients of ops that broadcast their inputs. */
import { fill } from '../kernels/elementwise/arithmetic.ts';
import { reductionsOf } from '../kernels/reduction/passes.ts';
import { sumOver } from '../kernels/reduction/sum.ts';
import { type Shape, Tensor } from './tensor.ts';

/**
 * The sum of a gradient over the dimensions along which `shape` was broadcast to its shape. Returns the gradient itself
 * if the shapes are equal. Records nothing.
 * @param shape one that can be broadcast to the gradient's
 */
export function sumTo(gradient: Tensor, shape: Shape): Tensor {
  if (shape.length === gradient.shape.length && shape.every((extent, i) => extent === gradient.shape[i])) {
    return gradient;
  }
  const { gpu } = gradient;
  const sum = Tensor.empty(gpu, shape);
  if (sum.size === 0) return sum;
  if (gradient.size === 0) fill(gpu, sum.size, 0, sum.buffer);
  else sumOver(gpu, reductionsOf(gradient.shape, shape), gradient.buffer, sum.buffer);
  return sum;
}
