/**
 * layerNorm: normalises the last dimensions of each row to mean 0 and variance 1, then scales by its weight and adds
 * its bias (Ba, Kiros and Hinton 2016).
 */
import { layerNormBackward } from '../../kernels/layer-norm/backward.ts';
import { layerNormForward, layerNormStatistics } from '../../kernels/layer-norm/layer-norm.ts';
import type { NormSize } from '../../kernels/layer-norm/shape.ts';
import { expectDType, expectShape, expectUsable, formatShape, OptionError, ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import { checkNames, numberFrom0, wholeNumber } from '../options.ts';
import { type Shape, sizeOf, Tensor } from '../tensor.ts';

/** Options of `layerNorm` and `groupNorm`. */
export interface NormOptions {
  /** Added to the variance; 1e-5 by default. */
  readonly eps?: number;
}

const OPTIONS = { eps: true } as const satisfies Record<keyof NormOptions, true>;

/**
 * Returns the extents that layer norm normalises.
 * @param owner the op or module in error messages
 * @throws OptionError
 */
export function normalizedExtents(owner: string, normalizedShape: number | Shape): Shape {
  const extents = Array.isArray(normalizedShape) ? normalizedShape : [normalizedShape as number];
  if (extents.length === 0) throw new OptionError(`${owner}: normalizedShape must have at least one extent, got [].`);
  return extents.map((extent: number) => wholeNumber(owner, 'normalizedShape', extent, 0));
}

/**
 * Input [*, ...normalizedShape]; weight and bias, each optional, [...normalizedShape] → the input's shape. The variance
 * is biased, as in torch. Saves the input, four values per row, and the weight if the input requires a gradient.
 * @throws OptionError, ShapeError, DTypeError
 */
export function layerNorm(
  input: Tensor,
  normalizedShape: number | Shape,
  weight?: Tensor,
  bias?: Tensor,
  options: NormOptions = {},
): Tensor {
  const extents = normalizedExtents('layerNorm', normalizedShape);
  const outer = input.shape.length - extents.length;
  if (outer < 0 || extents.some((extent, i) => extent !== input.shape[outer + i])) {
    throw new ShapeError(
      `layerNorm: input must end with the normalizedShape ${formatShape(extents)}, got ${formatShape(input.shape)}.`,
    );
  }
  const size = { batch: sizeOf(input.shape.slice(0, outer)), channels: sizeOf(extents), plane: 1, groups: 1 };
  return normalise('layerNorm', input, size, extents, { weight, bias }, options);
}

/** Normalises groups of an input, for the op `op`. `extents` is the shape of weight and bias. */
export function normalise(
  op: string,
  input: Tensor,
  size: NormSize,
  extents: Shape,
  { weight, bias }: { readonly weight: Tensor | undefined; readonly bias: Tensor | undefined },
  options: NormOptions,
): Tensor {
  checkNames(op, options, OPTIONS);
  const eps = numberFrom0(op, 'eps', options.eps === undefined ? 1e-5 : options.eps);
  expectUsable(op, { input, weight, bias });
  for (const [name, tensor] of Object.entries({ weight, bias })) if (tensor) expectShape(op, name, tensor, extents);
  for (const [name, tensor] of Object.entries({ input, weight, bias })) {
    if (tensor) expectDType(op, name, tensor, 'f32');
  }
  const { gpu, shape } = input;
  const output = Tensor.empty(gpu, shape);
  const statistics = Tensor.empty(gpu, [size.batch * size.groups, 4]);
  const read = () => ({ input: input.buffer, statistics: statistics.buffer });
  const empty = input.size === 0;
  if (!empty) {
    layerNormStatistics(gpu, size, eps, read());
    layerNormForward(gpu, size, { ...read(), output: output.buffer }, weight?.buffer, bias?.buffer);
  }
  const scale = input.requiresGrad ? weight : undefined;
  const result = record({
    name: op,
    inputs: { input, weight, bias },
    output,
    options: { eps, groups: size.groups, normalizedShape: extents },
    saved: [input, statistics, ...(scale ? [scale] : [])],
    backward: (outputGrad, [needsInput, ...needsParameters]) => {
      const inputGrad = needsInput ? Tensor.empty(gpu, shape) : undefined;
      const make = () => (empty ? Tensor.zeros(gpu, extents) : Tensor.empty(gpu, extents));
      const grads = needsParameters.includes(true) ? { weightGrad: make(), biasGrad: make() } : undefined;
      if (!empty) {
        layerNormBackward(gpu, size, { ...read(), outputGrad: outputGrad.buffer }, scale?.buffer, {
          inputGrad: inputGrad?.buffer,
          parameters: grads && { weightGrad: grads.weightGrad.buffer, biasGrad: grads.biasGrad.buffer },
        });
      }
      return [inputGrad, ...(weight ? [grads?.weightGrad] : []), ...(bias ? [grads?.biasGrad] : [])];
    },
  });
  // The graph keeps what it needs; without a graph this frees them.
  statistics.dispose();
  return result;
}
