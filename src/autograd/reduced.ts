/** The shapes of reductions, and their options. */
import { type Reduction, reductionsOf } from '../kernels/reduction/passes.ts';
import { type Dims, dimsOf } from './dims.ts';
import { expectDType, expectUsable, formatShape, ShapeError } from './errors.ts';
import { checkNames, flag } from './options.ts';
import type { Shape, Tensor } from './tensor.ts';

/** Options of reductions. */
export interface ReduceOptions {
  /** Whether reduced dimensions stay, with extent 1. Off by default. */
  readonly keepdim?: boolean;
}

/** How an op reduces its input. */
export interface Reduced {
  /** The shape of its result. */
  readonly shape: Shape;
  /** The values of each result. */
  readonly count: number;
  /** Its steps, for kernels; none if the input has no values. */
  readonly reductions: readonly Reduction[];
  /** The dimensions, in their order, and whether they stay. */
  readonly options: { readonly dims: readonly number[]; readonly keepdim: boolean };
}

/**
 * Checks the arguments of a reduction of f32 values, and works out its shapes.
 * @param dims all by default
 * @throws DTypeError, OptionError, ShapeError
 */
export function reduced(op: string, input: Tensor, dims: Dims | undefined, options: ReduceOptions): Reduced {
  expectUsable(op, { input });
  expectDType(op, 'input', input, 'f32');
  checkNames(op, options, { keepdim: true });
  const { keepdim = false } = options;
  flag(op, 'keepdim', keepdim);
  // No dimensions are all of them, as in torch.
  const none = dims === undefined || (Array.isArray(dims) && dims.length === 0);
  const all = new Set(none ? input.shape.keys() : dimsOf(op, dims, input.shape));
  const kept = input.shape.map((extent, dim) => (all.has(dim) ? 1 : extent));
  return {
    shape: keepdim ? kept : kept.filter((_, dim) => !all.has(dim)),
    count: input.shape.reduce((product, extent, dim) => (all.has(dim) ? product * extent : product), 1),
    options: { dims: [...all].sort((a, b) => a - b), keepdim },
    reductions: input.size === 0 ? [] : reductionsOf(input.shape, kept),
  };
}

/** @throws ShapeError if results have no values to be chosen from; `count` is that of `reduced` */
export function expectValues(op: string, input: Tensor, count: number): void {
  if (count > 0) return;
  throw new ShapeError(
    `${op}: input ${formatShape(input.shape)} has no values in the dimensions that are reduced. Reduce dimensions with ` +
      'values, or leave empty tensors out.',
  );
}
