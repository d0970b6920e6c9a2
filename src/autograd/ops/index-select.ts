/** indexSelect: rows along a dimension by their indices. Each row gets the sum of the gradients of its copies. */
import { indexSelectBackward, indexSelect as indexSelectKernel } from '../../kernels/copy/index-select.ts';
import { aroundDim, dimOf } from '../dims.ts';
import type { DType } from '../dtype.ts';
import { expectDType, expectUsable, formatShape, ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import { expectWords } from '../storage-type.ts';
import { Tensor } from '../tensor.ts';

const NAN_BITS = 0x7fc00000;

/**
 * The input's slices index[0], index[1], … along `dim`: input […, V, …], index u32 [J] → […, J, …]. One value as an
 * index, of shape [], counts as [1]. The input holds f32, u32 or i32 values. Saves the index.
 *
 * No index is read back from the device, so one that is not below V cannot throw: its slice is NaN, or 0 in a tensor of
 * integers, and no gradient goes anywhere from it.
 * @throws OptionError for a dimension that the input does not have
 * @throws ShapeError if the index has more than one dimension
 * @throws DTypeError for f16, and for an index that is not u32
 */
export function indexSelect<D extends DType>(input: Tensor<D>, dim: number, index: Tensor<'u32'>): Tensor<D> {
  expectUsable('indexSelect', { input, index });
  const source = expectWords('indexSelect', 'input', input);
  const axis = dimOf('indexSelect', 'dim', dim, input.shape);
  expectDType('indexSelect', 'index', index, 'u32');
  if (index.shape.length > 1 || (input.shape.length === 0 && index.size !== 1)) {
    const expected = input.shape.length === 0 ? '[] or [1]' : '[] or [J]';
    throw new ShapeError(`indexSelect: index must have shape ${expected}, got ${formatShape(index.shape)}.`);
  }
  const { gpu, shape } = source;
  const selection = { ...aroundDim(shape, axis), picked: index.size };
  const output = Tensor.empty(gpu, shape.length === 0 ? [] : shape.with(axis, index.size), source.dtype);
  indexSelectKernel(gpu, selection, input.dtype === 'f32' ? NAN_BITS : 0, {
    input: source.buffer,
    index: index.buffer,
    output: output.buffer,
  });
  return record({
    name: 'indexSelect',
    inputs: { input: source },
    output,
    constants: { index },
    options: { dim: axis },
    saved: [index],
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, shape);
      indexSelectBackward(gpu, selection, {
        index: index.buffer,
        outputGrad: outputGrad.buffer,
        inputGrad: inputGrad.buffer,
      });
      return [inputGrad];
    },
  }) as Tensor<DType> as Tensor<D>;
}
