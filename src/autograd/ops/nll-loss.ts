/** nllLoss: minus the log-probability of each row's label, for use after a log-softmax. Its gradient is −1 / N there. */
import { nllBackward, nllRows } from '../../kernels/loss/nll.ts';
import { CLASS_LOSS_OPTIONS, type ClassLossOptions, classLoss, reduceRows } from '../class-labels.ts';
import { record } from '../graph.ts';
import { checkNames } from '../options.ts';
import { Tensor } from '../tensor.ts';

/**
 * Log-probabilities [N, C, d1, …], labels u32 [N, d1, …] in 0 … C − 1 → loss of shape [], or with reduction `none` the
 * labels' shape. A label beyond the classes makes its loss and that row's gradient NaN (see `crossEntropy`). The mean of
 * no rows is NaN. Saves the labels, the weights and a divisor.
 */
export function nllLoss(logProbabilities: Tensor, labels: Tensor<'u32'>, options: ClassLossOptions = {}): Tensor {
  checkNames('nllLoss', options, CLASS_LOSS_OPTIONS);
  const loss = classLoss('nllLoss', 'logProbabilities', logProbabilities, labels, options);
  const { gpu } = logProbabilities;
  const { output, weight, divisor } = reduceRows(gpu, labels, loss, (weights, losses, shares) =>
    nllRows(gpu, loss.size, loss, {
      logProbabilities: logProbabilities.buffer,
      labels: labels.buffer,
      weight: weights,
      losses,
      shares,
    }),
  );
  const result = record({
    name: 'nllLoss',
    inputs: { logProbabilities },
    output,
    saved: [labels, weight, divisor],
    backward: (outputGrad) => {
      const grad = Tensor.empty(gpu, logProbabilities.shape);
      nllBackward(
        gpu,
        loss.size,
        loss,
        { outputGrad: outputGrad.buffer, each: loss.reduction === 'none' },
        {
          labels: labels.buffer,
          weight: weight.buffer,
          divisor: divisor.buffer,
          logProbabilitiesGrad: grad.buffer,
        },
      );
      return [grad];
    },
  });
  // The graph keeps them if backward will read them.
  weight.dispose();
  divisor.dispose();
  return result;
}
