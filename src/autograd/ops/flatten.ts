/** flatten: the same values as one row per image. Needs no kernel in either direction. */
import { expectUsable, ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import type { Tensor } from '../tensor.ts';

/** A view of [N, …] as [N, product of the rest]; at least one dimension. Shares the input's memory. */
export function flatten(input: Tensor): Tensor {
  expectUsable('flatten', { input });
  const rows = input.shape[0];
  if (rows === undefined) throw new ShapeError('flatten: input must have at least one dimension, got shape [].');
  return record({
    name: 'flatten',
    inputs: { input },
    output: input.alias([rows, input.size / rows]),
    backward: (outputGrad) => [outputGrad.alias(input.shape)],
  });
}
