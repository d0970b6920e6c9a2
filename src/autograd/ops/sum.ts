/** sum and mean over dimensions. Each value gets the gradient of its result; for the mean divided by their number. */
import { fill } from '../../kernels/elementwise/arithmetic.ts';
import { expand } from '../../kernels/reduction/expand.ts';
import { sumOver } from '../../kernels/reduction/sum.ts';
import type { Dims } from '../dims.ts';
import { record } from '../graph.ts';
import { type ReduceOptions, reduced } from '../reduced.ts';
import { Tensor } from '../tensor.ts';

/**
 * The sum over `dims`, by default over all; f32. Negative dims count from the last. The sum of nothing is 0. Adds in a
 * tree of fixed order. Saves nothing.
 * @throws OptionError or ShapeError for a dimension that is named twice, or that the input does not have
 */
export function sum(input: Tensor, dims?: Dims, options: ReduceOptions = {}): Tensor {
  return total('sum', input, dims, options);
}

/** The mean over `dims`, as `sum`. The mean of nothing is NaN. */
export function mean(input: Tensor, dims?: Dims, options: ReduceOptions = {}): Tensor {
  return total('mean', input, dims, options);
}

function total(name: 'sum' | 'mean', input: Tensor, dims: Dims | undefined, options: ReduceOptions): Tensor {
  const { shape, count, reductions, options: kept } = reduced(name, input, dims, options);
  const { gpu } = input;
  const divisor = name === 'mean' ? count : undefined;
  const output = Tensor.empty(gpu, shape);
  if (input.size > 0) sumOver(gpu, reductions, input.buffer, output.buffer, divisor);
  else if (output.size > 0) fill(gpu, output.size, name === 'mean' ? Number.NaN : 0, output.buffer);
  return record({
    name,
    inputs: { input },
    output,
    options: kept,
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, input.shape);
      if (input.size > 0) expand(gpu, reductions, outputGrad.buffer, inputGrad.buffer, divisor);
      return [inputGrad];
    },
  });
}
