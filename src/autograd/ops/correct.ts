/** countCorrect: the number of correctly predicted rows. Has no gradient. */
import { correctRows, correctSum } from '../../kernels/loss/correct.ts';
import { expectDType, expectShape, expectUsable, formatShape, ShapeError } from '../errors.ts';
import { Tensor } from '../tensor.ts';

/** Logits [N, C], labels u32 [N] → u32 of shape []: the number of rows whose first maximum is at the label. */
export function countCorrect(logits: Tensor, labels: Tensor<'u32'>): Tensor<'u32'> {
  expectUsable('countCorrect', { logits, labels });
  expectShape('countCorrect', 'logits', logits, ['N', 'C']);
  const [rows, classes] = logits.shape as readonly [number, number];
  expectShape('countCorrect', 'labels', labels, [rows]);
  if (classes === 0) throw new ShapeError(`countCorrect: logits must have a class, got ${formatShape(logits.shape)}.`);
  expectDType('countCorrect', 'logits', logits, 'f32');
  expectDType('countCorrect', 'labels', labels, 'u32');

  const { gpu } = logits;
  const correct = Tensor.empty(gpu, [rows], 'u32');
  const output = Tensor.empty(gpu, [], 'u32');
  correctRows(gpu, { rows, classes }, logits.buffer, labels.buffer, correct.buffer);
  correctSum(gpu, rows, correct.buffer, output.buffer);
  correct.dispose();
  return output;
}
