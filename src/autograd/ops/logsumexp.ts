/** logsumexp over dimensions. Its gradient is the softmax over them. */
import { fill } from '../../kernels/elementwise/arithmetic.ts';
import { logSumExpBackward } from '../../kernels/reduction/expand.ts';
import { logSumExpOver } from '../../kernels/reduction/log-sum-exp.ts';
import type { Dims } from '../dims.ts';
import { record } from '../graph.ts';
import { type ReduceOptions, reduced } from '../reduced.ts';
import { Tensor } from '../tensor.ts';

/**
 * log(Σ exp(input)) over `dims`, by default over all; f32. Negative dims count from the last. Nothing overflows. Without
 * values, and where all are −∞, it is −∞; the gradient of infinite results is NaN, as in torch. Saves input and output.
 * @throws OptionError or ShapeError for a dimension that is named twice, or that the input does not have
 */
export function logsumexp(input: Tensor, dims?: Dims, options: ReduceOptions = {}): Tensor {
  const { shape, reductions, options: kept } = reduced('logsumexp', input, dims, options);
  const { gpu } = input;
  const output = Tensor.empty(gpu, shape);
  if (input.size > 0) logSumExpOver(gpu, reductions, input.buffer, output.buffer);
  else if (output.size > 0) fill(gpu, output.size, Number.NEGATIVE_INFINITY, output.buffer);
  return record({
    name: 'logsumexp',
    inputs: { input },
    output,
    options: kept,
    saved: [input, output],
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, input.shape);
      if (input.size > 0) {
        logSumExpBackward(gpu, reductions, {
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
