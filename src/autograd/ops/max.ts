/** max and min over dimensions. Equal extremes share the gradient evenly. */
import { extremeBackward } from '../../kernels/reduction/expand.ts';
import { extremeOver } from '../../kernels/reduction/extreme.ts';
import type { Dims } from '../dims.ts';
import { record } from '../graph.ts';
import { expectValues, type ReduceOptions, reduced } from '../reduced.ts';
import { Tensor } from '../tensor.ts';

/**
 * The largest value over `dims`, by default over all; f32. Negative dims count from the last. A NaN makes the result
 * NaN. As of torch's `amax`, the gradient is shared evenly among equal maxima; torch's `max(dim)` gives it to one of
 * them. A NaN makes the gradients of its result NaN. Saves input and output.
 * @throws OptionError or ShapeError for a dimension that is named twice, or that the input does not have
 * @throws ShapeError for the maximum of nothing
 */
export function max(input: Tensor, dims?: Dims, options: ReduceOptions = {}): Tensor {
  return extreme('max', input, dims, options);
}

/** The smallest value over `dims`, as `max`; torch's `amin`. */
export function min(input: Tensor, dims?: Dims, options: ReduceOptions = {}): Tensor {
  return extreme('min', input, dims, options);
}

function extreme(name: 'max' | 'min', input: Tensor, dims: Dims | undefined, options: ReduceOptions): Tensor {
  const { shape, count, reductions, options: kept } = reduced(name, input, dims, options);
  expectValues(name, input, count);
  const { gpu } = input;
  const output = Tensor.empty(gpu, shape);
  if (input.size > 0) extremeOver(gpu, reductions, name === 'min', input.buffer, output.buffer);
  return record({
    name,
    inputs: { input },
    output,
    options: kept,
    saved: [input, output],
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, input.shape);
      if (input.size > 0) {
        extremeBackward(gpu, reductions, {
          input: input.buffer,
          output: output.buffer,
          outputGrad: outputGrad.buffer,
          inputGrad: inputGrad.buffer,
        });
      }
      return [inputGrad];
    },
  });
}
