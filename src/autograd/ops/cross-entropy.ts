/** crossEntropy: the mean of −log softmax(logits)[label] over the batch. Its gradient is (softmax − onehot) / N. */
import { crossEntropyBackward, crossEntropyMean, crossEntropyRows } from '../../kernels/loss/cross-entropy.ts';
import { expectDType, expectShape, expectUsable, ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import { wholeNumber } from '../options.ts';
import { Tensor } from '../tensor.ts';

/**
 * Logits [N, C], labels u32 [N] in 0 … C − 1 → loss of shape []. A label beyond the classes makes the loss and that
 * row's gradient NaN, because this op never reads labels back from the device: use `checkLabels` on the host. Saves the
 * logits, the labels and two values per row.
 */
export function crossEntropy(logits: Tensor, labels: Tensor<'u32'>): Tensor {
  expectUsable('crossEntropy', { logits, labels });
  expectShape('crossEntropy', 'logits', logits, ['N', 'C']);
  const [rows, classes] = logits.shape as readonly [number, number];
  expectShape('crossEntropy', 'labels', labels, [rows]);
  expectDType('crossEntropy', 'logits', logits, 'f32');
  expectDType('crossEntropy', 'labels', labels, 'u32');

  const { gpu } = logits;
  const size = { rows, classes };
  const losses = Tensor.empty(gpu, [rows]);
  const rowSums = Tensor.empty(gpu, [rows, 2]);
  const output = Tensor.empty(gpu, []);
  const shared = { logits: logits.buffer, labels: labels.buffer, rows: rowSums.buffer };
  crossEntropyRows(gpu, size, { ...shared, losses: losses.buffer });
  crossEntropyMean(gpu, rows, losses.buffer, output.buffer);
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
