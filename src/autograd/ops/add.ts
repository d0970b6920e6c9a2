/** add(a, b) = a + b. Both inputs get the output's gradient. */
import { add as addKernel } from '../../kernels/elementwise/arithmetic.ts';
import { expectDType, expectShape, expectUsable } from '../errors.ts';
import { record } from '../graph.ts';
import { Tensor } from '../tensor.ts';

/** Elementwise sum of two f32 tensors of the same shape. Saves nothing. */
export function add(a: Tensor, b: Tensor): Tensor {
  expectUsable('add', { a, b });
  expectShape('add', 'b', b, a.shape);
  for (const [name, tensor] of Object.entries({ a, b })) expectDType('add', name, tensor, 'f32');
  const output = Tensor.empty(a.gpu, a.shape);
  addKernel(a.gpu, a.size, a.buffer, b.buffer, output.buffer);
  return record({
    name: 'add',
    inputs: { a, b },
    output,
    backward: (outputGrad) => [outputGrad, outputGrad],
  });
}
