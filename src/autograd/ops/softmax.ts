/** softmax along a dimension, and its logarithm. */
import { softmaxBackward, softmaxForward } from '../../kernels/reduction/softmax.ts';
import { dimOf } from '../dims.ts';
import { expectDType, expectUsable } from '../errors.ts';
import { record } from '../graph.ts';
import { Tensor } from '../tensor.ts';

/**
 * exp(input) / Σ exp(input) along `dim`, in the input's shape; f32. A negative dim counts from the last. Nothing
 * overflows. Where a value is NaN or +∞, or all are −∞, the results are NaN, as in torch. Saves its output.
 * @throws OptionError or ShapeError for a dimension that the input does not have
 */
export function softmax(input: Tensor, dim: number): Tensor {
  return normalised('softmax', input, dim);
}

/** The logarithm of softmax, as `softmax`, without loss of digits where the softmax is nearly 0 or 1. */
export function logSoftmax(input: Tensor, dim: number): Tensor {
  return normalised('logSoftmax', input, dim);
}

function normalised(name: 'softmax' | 'logSoftmax', input: Tensor, dim: number): Tensor {
  expectUsable(name, { input });
  expectDType(name, 'input', input, 'f32');
  const { gpu, shape, size } = input;
  const at = dimOf(name, 'dim', dim, shape);
  const product = (extents: readonly number[]) => extents.reduce((all, extent) => all * extent, 1);
  const reduction = { outer: product(shape.slice(0, at)), terms: shape[at] ?? 1, inner: product(shape.slice(at + 1)) };
  const log = name === 'logSoftmax';
  const output = Tensor.empty(gpu, shape);
  if (size > 0) softmaxForward(gpu, reduction, log, input.buffer, output.buffer);
  return record({
    name,
    inputs: { input },
    output,
    options: { dim: at },
    saved: [output],
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, shape);
      if (size > 0) {
        softmaxBackward(gpu, reduction, log, {
          output: output.buffer,
          outputGrad: outputGrad.buffer,
          inputGrad: inputGrad.buffer,
        });
      }
      return [inputGrad];
    },
  });
}
