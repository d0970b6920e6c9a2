/** permute and transpose: the same values with the dimensions in another order. The gradient goes back in the order before. */
import { copyStrided } from '../../kernels/copy/strided.ts';
import { stridesOf } from '../../kernels/strides.ts';
import { dimOf, dimsOf } from '../dims.ts';
import type { DType } from '../dtype.ts';
import { formatShape, OptionError } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { copyOf } from '../views.ts';

/**
 * A copy with the dimensions in another order: dimension i of the result is `dims[i]` of the input, such as
 * `permute(images, [0, 2, 3, 1])` from NCHW to NHWC. Holds f32, u32 or i32 values. Saves nothing.
 * @throws OptionError unless `dims` has every dimension once
 */
export function permute<D extends DType>(input: Tensor<D>, dims: readonly number[]): Tensor<D> {
  const order = dimsOf('permute', dims, input.shape);
  if (order.length !== input.shape.length) {
    throw new OptionError(
      `permute: dims must have each of the ${input.shape.length} dimensions of input ${formatShape(input.shape)}, got ` +
        `${formatShape(order)}.`,
    );
  }
  return permuted('permute', input, order);
}

/**
 * A copy with two dimensions exchanged. Holds f32, u32 or i32 values. Saves nothing.
 * @throws OptionError for a dimension that the input does not have
 */
export function transpose<D extends DType>(input: Tensor<D>, dim0: number, dim1: number): Tensor<D> {
  const { shape } = input;
  const [a, b] = [dimOf('transpose', 'dim0', dim0, shape), dimOf('transpose', 'dim1', dim1, shape)];
  const order = shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis));
  return permuted('transpose', input, order);
}

function permuted<D extends DType>(op: string, input: Tensor<D>, order: readonly number[]): Tensor<D> {
  const inverse = order.map((_, axis) => order.indexOf(axis));
  return copyOf(
    op,
    input,
    { dims: order },
    (source) => inOrder(source, order),
    (outputGrad) => inOrder(outputGrad, inverse),
  );
}

function inOrder(input: Tensor, order: readonly number[]): Tensor {
  const { gpu, shape, dtype } = input;
  const strides = stridesOf(shape);
  const output = Tensor.empty(
    gpu,
    order.map((axis) => shape[axis]!),
    dtype,
  );
  copyStrided(
    gpu,
    output.shape,
    { buffer: input.buffer, strides: order.map((axis) => strides[axis]!) },
    { buffer: output.buffer, strides: stridesOf(output.shape) },
  );
  return output;
}
