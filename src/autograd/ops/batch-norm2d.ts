/**
 * batchNorm2d: normalises each channel to mean 0 and variance 1, then scales by its weight and adds its bias (Ioffe and
 * Szegedy 2015). Training uses the batch's statistics and updates the running ones. Evaluation uses the running ones.
 *
 * Residual networks then add a residual and apply ReLU. This op can do both in the same passes over memory, forward and
 * backward. As separate ops they would move more data than the batch norm itself.
 */
import {
  batchNormBackwardInput,
  batchNormBackwardInputEval,
  batchNormBackwardSums,
  batchNormBackwardSumsRelu,
  batchNormBackwardSumsResidual,
  batchNormForward,
  batchNormRunning,
  batchNormStatistics,
} from '../../kernels/batch-norm/batch-norm.ts';
import { reluBackward } from '../../kernels/elementwise/relu.ts';
import { expectImages, expectShape, formatShape, ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import { checkNames, flag, numberFrom0 } from '../options.ts';
import { storesHalf } from '../storage-type.ts';
import { Tensor } from '../tensor.ts';

/** Options of `batchNorm2d`. */
export interface BatchNormOptions {
  /** Normalise with the batch's statistics and update the running ones. */
  readonly training: boolean;
  /** Share of the batch in the new running statistics; 0.1 by default. */
  readonly momentum?: number;
  /** Added to the variance; 1e-5 by default. */
  readonly eps?: number;
  /** Added to the normalised values. Has the input's shape. */
  readonly residual?: Tensor | undefined;
  /** Whether to apply ReLU last. Off by default. */
  readonly relu?: boolean;
}

const OPTIONS = { training: true, momentum: true, eps: true, residual: true, relu: true } as const satisfies Record<
  keyof BatchNormOptions,
  true
>;

/** Returns the options with defaults. @throws OptionError */
export function batchNormOptions(options: BatchNormOptions) {
  checkNames('batchNorm2d', options, OPTIONS);
  const { training, momentum = 0.1, eps = 1e-5, residual, relu = false } = options;
  return {
    training: flag('batchNorm2d', 'training', training),
    momentum: numberFrom0('batchNorm2d', 'momentum', momentum, 1),
    eps: numberFrom0('batchNorm2d', 'eps', eps),
    residual,
    relu: flag('batchNorm2d', 'relu', relu),
  };
}

/**
 * Input [N, C, H, W]; weight, bias, runningMean and runningVar [C]. Training updates the running statistics in place
 * (the variance unbiased, as in torch), and needs more than one value per channel. Saves the input and three values per
 * channel; in evaluation mode with weight and bias frozen, not even the input. With ReLU, also saves the output after a
 * residual or in evaluation mode. In inference input and residual may both be f16; the rest is f32. An input without
 * values has statistics neither: training leaves the running ones as they are, as torch does.
 */
export function batchNorm2d(
  input: Tensor,
  weight: Tensor,
  bias: Tensor,
  runningMean: Tensor,
  runningVar: Tensor,
  options: BatchNormOptions,
): Tensor {
  const { training, momentum, eps, residual, relu } = batchNormOptions(options);
  const [batch, channels, height, width] = expectImages('batchNorm2d', 'input', input);
  for (const [name, tensor] of Object.entries({ weight, bias, runningMean, runningVar })) {
    expectShape('batchNorm2d', name, tensor, [channels]);
  }
  if (residual) expectShape('batchNorm2d', 'residual', residual, input.shape);
  const singles = { weight, bias, runningMean, runningVar };
  const half = storesHalf('batchNorm2d', { input, residual }, singles, training ? 'in training' : undefined);
  const { gpu } = input;
  if (input.size === 0) return withoutValues(input, weight, bias, residual);
  const size = { batch, channels, plane: height * width };
  // mean, 1 / deviation, rounding error of the mean
  const statistics = Tensor.empty(gpu, [3, channels]);
  const buffers = {
    statistics: statistics.buffer,
    runningMean: runningMean.buffer,
    runningVar: runningVar.buffer,
  };
  if (training) {
    if (batch * size.plane === 1) {
      throw new ShapeError(
        `batchNorm2d: training needs more than one value per channel, got input ${formatShape(input.shape)}. ` +
          'Use a batch of at least 2, larger images, or evaluation mode.',
      );
    }
    batchNormStatistics(gpu, size, { eps, momentum }, { ...buffers, input: input.buffer });
  } else {
    batchNormRunning(gpu, channels, eps, buffers);
  }
  const output = Tensor.empty(gpu, input.shape, input.dtype);
  batchNormForward(
    gpu,
    size,
    { relu, half },
    {
      input: input.buffer,
      statistics: statistics.buffer,
      weight: weight.buffer,
      bias: bias.buffer,
      output: output.buffer,
    },
    residual?.buffer,
  );

  const readsInput = training || weight.requiresGrad || bias.requiresGrad;
  // Without a residual, the normalised input shows which values ReLU passed, and backward reads the input anyway.
  const recomputes = relu && training && !residual;
  const readsOutput = relu && !recomputes;
  const result = record({
    name: 'batchNorm2d',
    inputs: { input, weight, bias, residual },
    output,
    constants: { runningMean, runningVar },
    options: { training, eps, relu },
    saved: [
      statistics,
      weight,
      ...(recomputes ? [bias] : []),
      ...(readsInput ? [input] : []),
      ...(readsOutput ? [output] : []),
    ],
    backward: (outputGrad, [needsInput = false, needsWeight = false, needsBias = false]) => {
      // The gradient that passes ReLU, which is also the residual's gradient.
      const passed = readsOutput ? Tensor.empty(gpu, input.shape) : outputGrad;
      const grads = { outputGrad: passed.buffer, statistics: statistics.buffer };
      let weightGrad: Tensor | undefined;
      let biasGrad: Tensor | undefined;
      let inputGrad: Tensor | undefined;
      // Through the batch's statistics, every input affects every output of its channel; hence the sums.
      if (needsWeight || needsBias || (needsInput && training)) {
        weightGrad = Tensor.empty(gpu, [channels]);
        biasGrad = Tensor.empty(gpu, [channels]);
        const sums = { ...grads, input: input.buffer, weightGrad: weightGrad.buffer, biasGrad: biasGrad.buffer };
        if (readsOutput) {
          batchNormBackwardSumsResidual(gpu, size, {
            ...sums,
            outputGrad: outputGrad.buffer,
            output: output.buffer,
            passed: passed.buffer,
          });
        } else if (recomputes) {
          batchNormBackwardSumsRelu(gpu, size, { ...sums, weight: weight.buffer, bias: bias.buffer });
        } else {
          batchNormBackwardSums(gpu, size, sums);
        }
      } else if (readsOutput) {
        reluBackward(gpu, input.size, output.buffer, outputGrad.buffer, passed.buffer);
      }
      if (needsInput) {
        inputGrad = Tensor.empty(gpu, input.shape);
        const last = { ...grads, weight: weight.buffer, inputGrad: inputGrad.buffer };
        if (training && weightGrad && biasGrad) {
          const sums = { input: input.buffer, weightGrad: weightGrad.buffer, biasGrad: biasGrad.buffer };
          batchNormBackwardInput(gpu, size, { ...last, ...sums }, recomputes ? bias.buffer : undefined);
        } else {
          batchNormBackwardInputEval(gpu, size, last);
        }
      }
      return residual ? [inputGrad, weightGrad, biasGrad, passed] : [inputGrad, weightGrad, biasGrad];
    },
  });
  // The graph keeps the ones that it needs; without a graph they are freed here.
  statistics.dispose();
  return result;
}

/** The result for an input without values, whose weight and bias have gradients of zeros. */
function withoutValues(input: Tensor, weight: Tensor, bias: Tensor, residual: Tensor | undefined): Tensor {
  const { gpu, shape, dtype } = input;
  return record({
    name: 'batchNorm2d',
    inputs: { input, weight, bias, residual },
    output: Tensor.empty(gpu, shape, dtype),
    backward: () => [input, weight, bias, ...(residual ? [residual] : [])].map((one) => Tensor.zeros(gpu, one.shape)),
  });
}
