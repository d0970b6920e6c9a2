/** expand: repeats dimensions of extent 1. The gradient is the sum over the repetitions. */
import { copyStrided } from '../../kernels/copy/strided.ts';
import { broadcastStrides, stridesOf } from '../../kernels/strides.ts';
import type { DType } from '../dtype.ts';
import { formatShape, ShapeError } from '../errors.ts';
import { sumTo } from '../sum-to.ts';
import { type Shape, Tensor } from '../tensor.ts';
import { copyOf } from '../views.ts';

/**
 * A copy in a larger shape: dimensions of extent 1 are repeated, and new ones may come before the input's. An extent of
 * −1 stays as it is. Holds f32, u32 or i32 values. Saves nothing.
 * @throws ShapeError if the input cannot be repeated to the shape
 */
export function expand<D extends DType>(input: Tensor<D>, shape: Shape): Tensor<D> {
  const full = expandedShape(input.shape, shape);
  return copyOf(
    'expand',
    input,
    {},
    (source) => {
      const output = Tensor.empty(source.gpu, full, source.dtype);
      copyStrided(
        source.gpu,
        full,
        { buffer: source.buffer, strides: broadcastStrides(source.shape, full) },
        { buffer: output.buffer, strides: stridesOf(full) },
      );
      return output;
    },
    (outputGrad) => sumTo(outputGrad, input.shape),
  );
}

function expandedShape(own: Shape, shape: Shape): number[] {
  const refuse = (found: string) =>
    new ShapeError(`expand: input ${formatShape(own)} cannot be repeated to shape ${found}.`);
  if (!Array.isArray(shape)) throw refuse(String(shape));
  const added = shape.length - own.length;
  const full = (shape as Shape).map((extent, axis) => (extent === -1 ? (own[axis - added] ?? -1) : extent));
  const fits = full.every((extent, axis) => {
    const before = own[axis - added] ?? 1;
    return Number.isInteger(extent) && extent >= 0 && (before === 1 || before === extent);
  });
  if (added < 0 || !fits) throw refuse(formatShape(shape));
  return full;
}
