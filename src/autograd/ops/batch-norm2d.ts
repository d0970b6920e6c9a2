/**
 * batchNorm2d: each channel is shifted and scaled to mean 0 and variance 1, then by its weight and bias (Ioffe and Szegedy
 * 2015). In training with the statistics of the batch, which also move the running ones; otherwise with the running ones.
 */
import {
  batchNormBackwardInput,
  batchNormBackwardInputEval,
  batchNormBackwardSums,
  batchNormForward,
  batchNormRunning,
  batchNormStatistics,
} from '../../kernels/batch-norm.ts';
import { expectImages, expectShape, formatShape, ShapeError } from '../errors.ts';
import { record } from '../tape.ts';
import { Tensor } from '../tensor.ts';

/** Options of `batchNorm2d`. */
export interface BatchNormOptions {
  /** Normalise with the statistics of the batch and move the running ones. */
  readonly training: boolean;
  /** Share of the batch in the new running statistics; 0.1 by default. */
  readonly momentum?: number;
  /** Added to the variance; 1e-5 by default. */
  readonly eps?: number;
}

/**
 * Input [N, C, H, W]; weight, bias, runningMean and runningVar [C]. In training the running statistics are changed in
 * place (the variance unbiased, as in torch), and more than one value per channel is needed. Saves the input and two
 * numbers per channel; in eval mode, with weight and bias frozen, not even the input.
 */
export function batchNorm2d(
  input: Tensor,
  weight: Tensor,
  bias: Tensor,
  runningMean: Tensor,
  runningVar: Tensor,
  { training, momentum = 0.1, eps = 1e-5 }: BatchNormOptions,
): Tensor {
  const [batch, channels, height, width] = expectImages('batchNorm2d', 'input', input);
  for (const [name, tensor] of Object.entries({ weight, bias, runningMean, runningVar })) {
    expectShape('batchNorm2d', name, tensor, [channels]);
  }
  const { gpu } = input;
  const size = { batch, channels, plane: height * width };
  const mean = Tensor.empty(gpu, [channels]);
  const invStd = Tensor.empty(gpu, [channels]);
  const buffers = {
    mean: mean.buffer,
    invStd: invStd.buffer,
    runningMean: runningMean.buffer,
    runningVar: runningVar.buffer,
  };
  if (training) {
    if (batch * size.plane === 1) {
      throw new ShapeError(
        `batchNorm2d: training needs more than one value per channel, got input ${formatShape(input.shape)}. ` +
          'Use a batch of at least 2, larger images, or eval mode.',
      );
    }
    batchNormStatistics(gpu, size, { eps, momentum }, { ...buffers, input: input.buffer });
    runningMean.storage.version++;
    runningVar.storage.version++;
  } else {
    batchNormRunning(gpu, channels, eps, buffers);
  }
  const output = Tensor.empty(gpu, input.shape);
  batchNormForward(gpu, size, {
    input: input.buffer,
    mean: mean.buffer,
    invStd: invStd.buffer,
    weight: weight.buffer,
    bias: bias.buffer,
    output: output.buffer,
  });

  const readsInput = training || weight.requiresGrad || bias.requiresGrad;
  const result = record({
    name: 'batchNorm2d',
    inputs: [input, weight, bias],
    output,
    saved: [mean, invStd, weight, ...(readsInput ? [input] : [])],
    backward: (outputGrad, needs) => {
      const [needsInput, needsWeight, needsBias] = needs;
      const shared = { outputGrad: outputGrad.buffer, mean: mean.buffer, invStd: invStd.buffer };
      let weightGrad: Tensor | undefined;
      let biasGrad: Tensor | undefined;
      let inputGrad: Tensor | undefined;
      // Through the batch's statistics every input reaches every output of its channel, hence the sums.
      if (needsWeight || needsBias || training) {
        weightGrad = Tensor.empty(gpu, [channels]);
        biasGrad = Tensor.empty(gpu, [channels]);
        batchNormBackwardSums(gpu, size, {
          ...shared,
          input: input.buffer,
          weightGrad: weightGrad.buffer,
          biasGrad: biasGrad.buffer,
        });
      }
      if (needsInput) {
        inputGrad = Tensor.empty(gpu, input.shape);
        const last = { ...shared, weight: weight.buffer, inputGrad: inputGrad.buffer };
        if (training && weightGrad && biasGrad) {
          const sums = { weightGrad: weightGrad.buffer, biasGrad: biasGrad.buffer };
          batchNormBackwardInput(gpu, size, { ...last, ...sums, input: input.buffer });
        } else {
          batchNormBackwardInputEval(gpu, size, last);
        }
      }
      // The tape disposes what is returned, wanted or not.
      return [inputGrad, weightGrad, biasGrad];
    },
  });
  // The tape keeps what it needs of these; without a tape nothing does.
  mean.dispose();
  invStd.dispose();
  return result;
}
