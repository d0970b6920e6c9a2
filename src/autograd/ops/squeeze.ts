/** squeeze and unsqueeze: without dimensions of extent 1, or with one more. Need no kernel in either direction. */
import { dimOf } from '../dims.ts';
import type { DType } from '../dtype.ts';
import { expectUsable } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { viewAs } from '../views.ts';

/**
 * A view without dimension `dim` if its extent is 1; without `dim`, a view without every dimension of extent 1. Any
 * type. Shares the input's memory.
 * @throws OptionError for a dimension that the input does not have
 */
export function squeeze<D extends DType>(input: Tensor<D>, dim?: number): Tensor<D> {
  expectUsable('squeeze', { input });
  const { shape } = input;
  const only = dim === undefined ? undefined : dimOf('squeeze', 'dim', dim, shape);
  return viewAs(
    'squeeze',
    input,
    shape.filter((extent, axis) => extent !== 1 || (only ?? axis) !== axis),
  );
}

/**
 * A view with a new dimension of extent 1 at `dim` of the result. Any type. Shares the input's memory.
 * @throws OptionError for a dimension that the result does not have
 */
export function unsqueeze<D extends DType>(input: Tensor<D>, dim: number): Tensor<D> {
  expectUsable('unsqueeze', { input });
  const { shape } = input;
  const at = dimOf('unsqueeze', 'dim', dim, shape, shape.length + 1);
  return viewAs('unsqueeze', input, [...shape.slice(0, at), 1, ...shape.slice(at)]);
}
