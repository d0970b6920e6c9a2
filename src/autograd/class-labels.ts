/** The arguments of losses of rows with a class index, and what those losses have in common. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { fill } from '../kernels/elementwise/arithmetic.ts';
import type { ClassRows } from '../kernels/loss/class-rows.ts';
import { lossSum } from '../kernels/loss/sum.ts';
import { expectDType, expectShape, expectUsable } from './errors.ts';
import { expectConstant } from './graph.ts';
import { wholeNumber } from './options.ts';
import { type Reduction, reductionOf } from './reduction.ts';
import { sizeOf, Tensor } from './tensor.ts';

/** Options of losses of rows with a class index. */
export interface ClassLossOptions {
  /** Factor of each class [C]. The mean divides by the sum of the weights of its rows' labels. */
  readonly weight?: Tensor | undefined;
  /** Rows with this label count nowhere, and have no gradient. None by default (torch's default is −100). */
  readonly ignoreIndex?: number | undefined;
  /** Of the losses of the rows; the mean by default. */
  readonly reduction?: Reduction;
}

/** The names of its options, for `checkNames`. */
export const CLASS_LOSS_OPTIONS = { weight: true, ignoreIndex: true, reduction: true } as const satisfies Record<
  keyof ClassLossOptions,
  true
>;

/**
 * Checks scores [N, C, d1, …], labels [N, d1, …] and the options. Returns the size and the options with defaults.
 * @throws ShapeError, DTypeError, OptionError, or GraphError if the weight requires a gradient
 */
export function classLoss(
  op: string,
  name: string,
  scores: Tensor,
  labels: Tensor<'u32'>,
  { weight, ignoreIndex, reduction }: ClassLossOptions,
) {
  const chosen = reductionOf(op, reduction);
  if (ignoreIndex !== undefined) wholeNumber(op, 'ignoreIndex', ignoreIndex, 0, 2 ** 32 - 1);
  expectUsable(op, { [name]: scores, labels, weight });
  const [batch, classes, ...rest] = scores.shape;
  if (batch === undefined || classes === undefined) expectShape(op, name, scores, ['N', 'C']);
  expectShape(op, 'labels', labels, [batch!, ...rest]);
  expectDType(op, name, scores, 'f32');
  expectDType(op, 'labels', labels, 'u32');
  if (weight) {
    expectShape(op, 'weight', weight, [classes!]);
    expectDType(op, 'weight', weight, 'f32');
    expectConstant(op, 'weight', weight);
  }
  const size: ClassRows = { rows: labels.size, classes: classes!, inner: sizeOf(rest) };
  return { size, weight, ignoreIndex, reduction: chosen };
}

/** The result of a loss of rows, and what its backward needs. The caller disposes both, once they are recorded. */
export interface ReducedRows {
  readonly output: Tensor;
  /** The weights of the classes [C]. */
  readonly weight: Tensor;
  /** What the sum of the losses was divided by. */
  readonly divisor: Tensor;
}

/**
 * Reduces the losses of rows. `run` computes them, and the weights of the rows' labels, with the weights of the classes.
 */
export function reduceRows(
  gpu: Gpu,
  labels: Tensor<'u32'>,
  { size, weight: given, reduction }: ReturnType<typeof classLoss>,
  run: (weight: PooledBuffer, losses: PooledBuffer, shares: PooledBuffer) => void,
): ReducedRows {
  const { rows, classes } = size;
  const weight = given?.detach() ?? ones(gpu, classes);
  const losses = Tensor.empty(gpu, labels.shape);
  const shares = Tensor.empty(gpu, [rows]);
  run(weight.buffer, losses.buffer, shares.buffer);
  const divisor = reduction === 'mean' ? Tensor.empty(gpu, []) : ones(gpu, 1);
  if (reduction === 'mean') lossSum(gpu, rows, shares.buffer, 1, divisor.buffer);
  shares.dispose();
  if (reduction === 'none') return { output: losses, weight, divisor };
  const output = Tensor.empty(gpu, []);
  lossSum(gpu, rows, losses.buffer, divisor.buffer, output.buffer);
  losses.dispose();
  return { output, weight, divisor };
}

function ones(gpu: Gpu, count: number): Tensor {
  const tensor = Tensor.empty(gpu, [count]);
  fill(gpu, count, 1, tensor.buffer);
  return tensor;
}
