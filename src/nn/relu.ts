/** max(x, 0) as a module. */
import { relu } from '../autograd/ops/elementwise.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';

/** max(x, 0), elementwise; any shape. */
export class ReLU extends Module {
  override forward(input: Tensor): Tensor {
    return relu(input);
  }
}
