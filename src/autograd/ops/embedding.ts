/** embedding: rows of a table by their indices. Each row of the table gets the sum of the gradients of its copies. */
import { indexSelectBackward, indexSelect as indexSelectKernel } from '../../kernels/copy/index-select.ts';
import { expectDType, expectShape, expectUsable, OptionError } from '../errors.ts';
import { record } from '../graph.ts';
import { checkNames } from '../options.ts';
import { Tensor } from '../tensor.ts';

/** Options of `embedding`. */
export interface EmbeddingOptions {
  /** A row of the table that gets no gradient; a negative one counts from the end. None by default. */
  readonly paddingIdx?: number | undefined;
}

const OPTIONS = { paddingIdx: true } as const satisfies Record<keyof EmbeddingOptions, true>;

const NAN_BITS = 0x7fc00000;

/**
 * Returns the index of the row, counted from the front.
 * @throws OptionError unless it is a whole number from −rows to rows − 1
 */
export function paddingRow(owner: string, paddingIdx: number | undefined, rows: number): number | undefined {
  if (paddingIdx === undefined) return undefined;
  if (Number.isInteger(paddingIdx) && paddingIdx >= -rows && paddingIdx < rows) {
    return paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
  }
  throw new OptionError(
    `${owner}: paddingIdx must be a whole number from ${-rows} to ${rows - 1} for ${rows} rows, got ${paddingIdx}.`,
  );
}

/**
 * Index u32 of any shape, weight [V, E] → [...index's shape, E]. The gradient of the weight adds equal indices in a fixed
 * order. Saves the index.
 *
 * No index is read back from the device, so one that is not below V cannot throw: its row is NaN, and no gradient goes
 * anywhere from it.
 * @throws ShapeError, DTypeError, OptionError
 */
export function embedding(index: Tensor<'u32'>, weight: Tensor, options: EmbeddingOptions = {}): Tensor {
  checkNames('embedding', options, OPTIONS);
  expectUsable('embedding', { index, weight });
  expectShape('embedding', 'weight', weight, ['V', 'E']);
  expectDType('embedding', 'index', index, 'u32');
  expectDType('embedding', 'weight', weight, 'f32');
  const { gpu } = weight;
  const [extent, inner] = weight.shape as readonly [number, number];
  const padding = paddingRow('embedding', options.paddingIdx, extent);
  const selection = { outer: 1, extent, inner, picked: index.size };
  const output = Tensor.empty(gpu, [...index.shape, inner]);
  indexSelectKernel(gpu, selection, NAN_BITS, { input: weight.buffer, index: index.buffer, output: output.buffer });
  return record({
    name: 'embedding',
    inputs: { weight },
    output,
    constants: { index },
    options: {},
    saved: [index],
    backward: (outputGrad) => {
      const weightGrad = Tensor.empty(gpu, weight.shape);
      const buffers = { index: index.buffer, outputGrad: outputGrad.buffer, inputGrad: weightGrad.buffer };
      indexSelectBackward(gpu, selection, buffers, padding);
      return [weightGrad];
    },
  });
}
