/** concat and stack: tensors behind each other along a dimension. Each gets its part of the gradient. */
import { copyStrided } from '../../kernels/copy/strided.ts';
import { aroundDim, dimOf } from '../dims.ts';
import type { DType } from '../dtype.ts';
import { expectDType, expectShape, expectUsable, ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import { expectWords } from '../storage-type.ts';
import { type Shape, Tensor } from '../tensor.ts';

/**
 * The tensors behind each other along `dim`, as `torch.cat`: they agree in all other extents. As in torch, a tensor of
 * shape [0] counts for nothing beside tensors of any shape. They hold f32, u32 or i32 values. Saves nothing.
 * @throws ShapeError if there are none, or shapes do not fit
 * @throws OptionError for a dimension that they do not have
 * @throws DTypeError for f16, and unless they have one type
 */
export function concat<D extends DType>(tensors: readonly Tensor<D>[], dim = 0): Tensor<D> {
  const named = namedTensors('concat', tensors);
  const isNothing = ({ shape }: Tensor) => shape.length === 1 && shape[0] === 0;
  const counted = Object.entries(named).filter(([, tensor]) => !isNothing(tensor));
  const first = counted[0]?.[1].shape ?? [0];
  const axis = counted.length > 0 ? dimOf('concat', 'dim', dim, first) : 0;
  if (first.length === 0) throw new ShapeError('concat: tensors must have dimensions, got shape []. Use stack.');
  const expected = first.map((extent, i) => (i === axis ? '*' : extent));
  for (const [name, tensor] of counted) expectShape('concat', name, tensor, expected);
  const extents = Object.values(named).map((tensor) => (isNothing(tensor) ? 0 : tensor.shape[axis]!));
  return joined('concat', named, first, axis, extents) as Tensor<DType> as Tensor<D>;
}

/**
 * The tensors behind each other along a new dimension, which is `dim` of the result: they have one shape. They hold f32,
 * u32 or i32 values. Saves nothing.
 * @throws ShapeError if there are none, or shapes differ
 * @throws OptionError for a dimension that the result does not have
 * @throws DTypeError for f16, and unless they have one type
 */
export function stack<D extends DType>(tensors: readonly Tensor<D>[], dim = 0): Tensor<D> {
  const named = namedTensors('stack', tensors);
  const { shape } = tensors[0]!;
  for (const [name, tensor] of Object.entries(named)) expectShape('stack', name, tensor, shape);
  const axis = dimOf('stack', 'dim', dim, shape, shape.length + 1);
  const row = [...shape.slice(0, axis), 1, ...shape.slice(axis)];
  return joined(
    'stack',
    named,
    row,
    axis,
    tensors.map(() => 1),
  ) as Tensor<DType> as Tensor<D>;
}

/** The tensors by the names that errors use. */
function namedTensors(op: string, tensors: readonly Tensor<DType>[]): Readonly<Record<string, Tensor>> {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    const found = Array.isArray(tensors) ? 'none' : String(tensors);
    throw new ShapeError(`${op}: expected an array of at least one tensor, got ${found}.`);
  }
  const named = Object.fromEntries((tensors as readonly Tensor<DType>[]).map((one, i) => [`tensors[${i}]`, one]));
  expectUsable(op, named);
  for (const [name, tensor] of Object.entries(named)) {
    expectWords(op, name, tensor);
    expectDType(op, name, tensor, tensors[0]!.dtype);
  }
  return named as Readonly<Record<string, Tensor>>;
}

/**
 * The tensors behind each other.
 * @param shape of any of them, but for the extent along `axis`
 * @param extents of each of them along the axis
 */
function joined(
  op: string,
  named: Readonly<Record<string, Tensor>>,
  shape: Shape,
  axis: number,
  extents: readonly number[],
): Tensor {
  const tensors = Object.values(named);
  const { gpu, dtype } = tensors[0]!;
  const all = extents.reduce((sum, extent) => sum + extent, 0);
  const { outer, inner } = aroundDim(shape, axis);
  const output = Tensor.empty(gpu, shape.with(axis, all), dtype);
  let start = 0;
  /** Where each tensor is: as rows of its own, and as parts of the output's rows. */
  const places = extents.map((extent) => {
    const offset = start * inner;
    start += extent;
    return {
      walk: [outer, extent * inner],
      own: { strides: [extent * inner, 1] },
      part: { strides: [all * inner, 1], offset },
    };
  });
  for (const [i, { walk, own, part }] of places.entries()) {
    const { buffer } = tensors[i]!;
    copyStrided(gpu, walk, { ...own, buffer }, { ...part, buffer: output.buffer });
  }
  return record({
    name: op,
    inputs: named,
    output,
    options: { dim: axis },
    backward: (outputGrad, needs) =>
      places.map(({ walk, own, part }, i) => {
        if (!needs[i]) return undefined;
        const grad = Tensor.empty(gpu, tensors[i]!.shape);
        copyStrided(gpu, walk, { ...part, buffer: outputGrad.buffer }, { ...own, buffer: grad.buffer });
        return grad;
      }),
  });
}
