/** Planting wrong gradients, to show that tests see them. */

import { record, Tensor } from '../../src/autograd/index.ts';
import { sgdStep } from '../../src/kernels/optim/sgd.ts';

/** The input itself, but its gradient comes out multiplied by `factor`. */
export function scaleGradient(input: Tensor, factor: number): Tensor {
  return record({
    name: 'tampered',
    inputs: [input],
    output: input.view(),
    backward: (outputGrad) => {
      const { gpu, shape, size } = outputGrad;
      const scaled = Tensor.zeros(gpu, shape);
      // 0 − lr · gradient is the multiplication that is at hand.
      const plain = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, first: true };
      sgdStep(gpu, size, { ...plain, lr: -factor }, scaled.buffer, outputGrad.buffer);
      return [scaled];
    },
  });
}
