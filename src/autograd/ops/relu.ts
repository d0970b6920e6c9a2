/** relu(x) = max(x, 0). The gradient passes where the output is positive. */
import { reluBackward, reluForward } from '../../kernels/elementwise/relu.ts';
import { expectDType, expectUsable } from '../errors.ts';
import { record } from '../graph.ts';
import { Tensor } from '../tensor.ts';

/** Elementwise max(input, 0) of f32 values; any shape. Saves its output. */
export function relu(input: Tensor): Tensor {
  expectUsable('relu', { input });
  expectDType('relu', 'input', input, 'f32');
  const { gpu, size } = input;
  const output = Tensor.empty(gpu, input.shape);
  reluForward(gpu, size, input.buffer, output.buffer);
  return record({
    name: 'relu',
    inputs: { input },
    output,
    saved: [output],
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, input.shape);
      reluBackward(gpu, size, output.buffer, outputGrad.buffer, inputGrad.buffer);
      return [inputGrad];
    },
  });
}
