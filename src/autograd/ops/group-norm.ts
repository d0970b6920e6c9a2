/**
 * groupNorm: normalises each group of adjacent channels of each image to mean 0 and variance 1, then scales each
 * channel by its weight and adds its bias (Wu and He 2018).
 */
import { formatShape, ShapeError } from '../errors.ts';
import { wholeNumber } from '../options.ts';
import { sizeOf, type Tensor } from '../tensor.ts';
import { type NormOptions, normalise } from './layer-norm.ts';

/**
 * Input [N, C, *]; weight and bias, each optional, [C] → the input's shape. `numGroups` divides C. The variance is
 * biased, as in torch. Saves the input, four values per group, and the weight if the input requires a gradient.
 * @throws OptionError, ShapeError, DTypeError
 */
export function groupNorm(
  input: Tensor,
  numGroups: number,
  weight?: Tensor,
  bias?: Tensor,
  options: NormOptions = {},
): Tensor {
  const groups = wholeNumber('groupNorm', 'numGroups', numGroups, 1);
  const [batch, channels, ...rest] = input.shape;
  if (batch === undefined || channels === undefined) {
    throw new ShapeError(`groupNorm: input must have shape [N, C, *], got ${formatShape(input.shape)}.`);
  }
  if (channels % groups !== 0) {
    throw new ShapeError(
      `groupNorm: the channels must divide into ${groups} groups, got input ${formatShape(input.shape)}.`,
    );
  }
  const plane = sizeOf(rest);
  // As in torch, although a group of one value has a mean in a larger batch too.
  if ((batch * channels * plane) / groups === 1) {
    throw new ShapeError(
      `groupNorm: a group needs more than one value in the batch, got input ${formatShape(input.shape)} in ${groups} ` +
        'groups.',
    );
  }
  return normalise('groupNorm', input, { batch, channels, plane, groups }, [channels], { weight, bias }, options);
}
