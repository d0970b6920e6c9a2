/** Plants wrong gradients, to show that tests see them. */

import { record, Tensor } from '../../src/autograd/index.ts';
import { sgdStep } from '../../src/kernels/optim/sgd.ts';

/** Returns the input itself, but multiplies its gradient by `factor`. */
export function scaleGradient(input: Tensor, factor: number): Tensor {
  return record({
    name: 'tampered',
    inputs: [input],
    output: input.detach(),
    backward: (outputGrad) => {
      const { gpu, shape, size } = outputGrad;
      const scaled = Tensor.zeros(gpu, shape);
      // A step from 0 computes 0 − lr · gradient, which is the multiplication that this needs.
      const plain = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, first: true };
      sgdStep(gpu, size, { ...plain, lr: -factor }, scaled.buffer, outputGrad.buffer);
      return [scaled];
    },
  });
}
