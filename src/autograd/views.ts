/** What ops share that take values of several types as they are, in a view or a copy; only f32 ones have a gradient. */
import type { DType } from './dtype.ts';
import { expectUsable } from './errors.ts';
import { record } from './graph.ts';
import { expectWords } from './storage-type.ts';
import type { Shape, Tensor } from './tensor.ts';

/** Records a view of the input in a shape with as many values. Its gradient is a view too. */
export function viewAs<D extends DType>(op: string, input: Tensor<D>, shape: Shape): Tensor<D> {
  // The graph has only f32 tensors; a tensor of another type requires no gradient.
  const source = input as Tensor<DType> as Tensor;
  const output = record({
    name: op,
    inputs: { input: source },
    output: source.alias(shape),
    // The shape of the result says it all.
    options: {},
    backward: (outputGrad) => [outputGrad.alias(input.shape)],
  });
  return output as Tensor<DType> as Tensor<D>;
}

/**
 * Runs and records an op that copies elements of four bytes. It saves nothing: `backward` gives the input's gradient.
 * @param options as in `OpRecord`
 * @throws DisposedTensorError; DTypeError for f16
 */
export function copyOf<D extends DType>(
  op: string,
  input: Tensor<D>,
  options: Readonly<Record<string, unknown>>,
  forward: (input: Tensor) => Tensor,
  backward: (outputGrad: Tensor) => Tensor,
): Tensor<D> {
  expectUsable(op, { input });
  const source = expectWords(op, 'input', input);
  const output = record({
    name: op,
    inputs: { input: source },
    output: forward(source),
    options,
    backward: (outputGrad) => [backward(outputGrad)],
  });
  return output as Tensor<DType> as Tensor<D>;
}
