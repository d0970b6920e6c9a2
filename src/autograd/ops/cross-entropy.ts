/**
 * crossEntropy: −log softmax(logits)[label] of each row, and by default their mean. The gradient of that is
 * (softmax − onehot) / N.
 */
import {
  crossEntropyBackward,
  crossEntropyOptionsBackward,
  crossEntropyOptionsRows,
  crossEntropyRows,
} from '../../kernels/loss/cross-entropy.ts';
import { lossSum } from '../../kernels/loss/sum.ts';
import { CLASS_LOSS_OPTIONS, type ClassLossOptions, classLoss, reduceRows } from '../class-labels.ts';
import { ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import { checkNames, numberFrom0, wholeNumber } from '../options.ts';
import { Tensor } from '../tensor.ts';

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends ClassLossOptions {
  /** Share of the target that is spread over all classes (Szegedy et al. 2016), from 0 to 1; 0 by default. */
  readonly labelSmoothing?: number;
}

const OPTIONS = { ...CLASS_LOSS_OPTIONS, labelSmoothing: true } as const satisfies Record<
  keyof CrossEntropyOptions,
  true
>;

/**
 * Logits [N, C, d1, …], labels u32 [N, d1, …] in 0 … C − 1 → loss of shape [], or with reduction `none` the labels'
 * shape. A label beyond the classes makes its loss and that row's gradient NaN, because this op never reads labels back
 * from the device: use `checkLabels` on the host. The mean of no rows is NaN. Saves the logits, the labels and two or
 * three values per row; with options also the weights and a divisor.
 */
export function crossEntropy(logits: Tensor, labels: Tensor<'u32'>, options: CrossEntropyOptions = {}): Tensor {
  checkNames('crossEntropy', options, OPTIONS);
  const smoothing = numberFrom0('crossEntropy', 'labelSmoothing', options.labelSmoothing ?? 0, 1);
  const loss = classLoss('crossEntropy', 'logits', logits, labels, options);
  const { size, weight, ignoreIndex, reduction } = loss;
  const plain = !weight && ignoreIndex === undefined && smoothing === 0 && reduction === 'mean' && size.inner === 1;
  return plain ? plainMean(logits, labels, size) : withOptions(logits, labels, { ...loss, smoothing });
}

/** The mean over rows, by fewer and simpler kernels. */
function plainMean(logits: Tensor, labels: Tensor<'u32'>, size: { rows: number; classes: number }): Tensor {
  const { gpu } = logits;
  const { rows } = size;
  const losses = Tensor.empty(gpu, [rows]);
  const rowSums = Tensor.empty(gpu, [rows, 2]);
  const output = Tensor.empty(gpu, []);
  const shared = { logits: logits.buffer, labels: labels.buffer, rows: rowSums.buffer };
  crossEntropyRows(gpu, size, { ...shared, losses: losses.buffer });
  lossSum(gpu, rows, losses.buffer, rows, output.buffer);
  losses.dispose();
  const result = record({
    name: 'crossEntropy',
    inputs: { logits },
    output,
    saved: [logits, labels, rowSums],
    backward: (outputGrad) => {
      const logitsGrad = Tensor.empty(gpu, logits.shape);
      crossEntropyBackward(gpu, size, {
        ...shared,
        outputGrad: outputGrad.buffer,
        logitsGrad: logitsGrad.buffer,
      });
      return [logitsGrad];
    },
  });
  // The graph keeps it if backward will read it.
  rowSums.dispose();
  return result;
}

function withOptions(
  logits: Tensor,
  labels: Tensor<'u32'>,
  loss: ReturnType<typeof classLoss> & { readonly smoothing: number },
): Tensor {
  const { gpu } = logits;
  const { size } = loss;
  const rowSums = Tensor.empty(gpu, [size.rows, 3]);
  const shared = { logits: logits.buffer, labels: labels.buffer, rows: rowSums.buffer };
  const { output, weight, divisor } = reduceRows(gpu, labels, loss, (weights, losses, shares) =>
    crossEntropyOptionsRows(gpu, size, loss, { ...shared, weight: weights, losses, shares }),
  );
  const result = record({
    name: 'crossEntropy',
    inputs: { logits },
    output,
    saved: [logits, labels, rowSums, weight, divisor],
    backward: (outputGrad) => {
      const logitsGrad = Tensor.empty(gpu, logits.shape);
      crossEntropyOptionsBackward(
        gpu,
        size,
        loss,
        { outputGrad: outputGrad.buffer, each: loss.reduction === 'none' },
        { ...shared, weight: weight.buffer, divisor: divisor.buffer, logitsGrad: logitsGrad.buffer },
      );
      return [logitsGrad];
    },
  });
  for (const tensor of [rowSums, weight, divisor]) tensor.dispose();
  return result;
}

/** Throws unless every label is a class index below `classes`. For the host, before labels are uploaded. */
export function checkLabels(labels: Uint32Array, classes: number): void {
  wholeNumber('checkLabels', 'classes', classes, 1);
  const wrong = labels.findIndex((label) => label >= classes);
  if (wrong >= 0) {
    throw new ShapeError(
      `crossEntropy: labels must be class indices from 0 to ${classes - 1}, got ${labels[wrong]} at index ${wrong}.`,
    );
  }
}
