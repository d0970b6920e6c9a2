/**
 * stochasticDepth: zeroes the whole output of a residual branch at random, for each image or for the batch, and scales
 * what is left, so that the mean stays (G. Huang et al., "Deep Networks with Stochastic Depth", 2016). Same draws and same
 * bits as torchvision's `stochastic_depth` on the CPU.
 */
import { expectDType, expectUsable, ShapeError } from '../errors.ts';
import { checkNames, flag, numberFrom0, oneOf } from '../options.ts';
import type { Tensor } from '../tensor.ts';
import { expectRandom, passThrough } from './dropout.ts';
import { mul } from './elementwise.ts';
import { keepFactors, type RandomWords } from './keep-factors.ts';

/** What is dropped together: each image of the batch (`row`), or the whole batch. */
export type DepthMode = 'row' | 'batch';

/** Options of `stochasticDepth`. */
export interface StochasticDepthOptions {
  /** Probability of being zeroed, 0 to 1. */
  readonly p: number;
  /** `row` by default. */
  readonly mode?: DepthMode;
  /** On by default. Without it the input is returned unchanged, and nothing is drawn. */
  readonly training?: boolean;
  /** Gives two words for each image, or two for the batch, in training, unless `p` is 0. */
  readonly random?: RandomWords;
}

const OPTIONS = { p: true, mode: true, training: true, random: true } as const satisfies Record<
  keyof StochasticDepthOptions,
  true
>;

/** Returns the options with defaults. @throws OptionError */
export function stochasticDepthOptions(owner: string, options: StochasticDepthOptions) {
  checkNames(owner, options, OPTIONS);
  const { p, mode = 'row', training = true, random } = options;
  return {
    p: numberFrom0(owner, 'p', p, 1),
    mode: oneOf(owner, 'mode', mode, { row: 'row', batch: 'batch' } as const),
    training: flag(owner, 'training', training),
    random: expectRandom(owner, training, random),
  };
}

/**
 * Input [N, ...] times a factor for each image, or for the batch: 0 with probability `p`, else 1 / (1 − p). Without training,
 * or with p = 0, a view of the input. Saves the factors.
 * @throws OptionError; ShapeError for a scalar
 */
export function stochasticDepth(input: Tensor, options: StochasticDepthOptions): Tensor {
  const { p, mode, training, random } = stochasticDepthOptions('stochasticDepth', options);
  expectUsable('stochasticDepth', { input });
  if (!training || p === 0) return passThrough('stochasticDepth', input);
  expectDType('stochasticDepth', 'input', input, 'f32');
  const [batch, ...rest] = input.shape;
  if (batch === undefined) throw new ShapeError('stochasticDepth: input must have shape [N, ...], got a scalar.');
  const factors = keepFactors(input.gpu, [mode === 'row' ? batch : 1, ...rest.map(() => 1)], p, random);
  const output = mul(input, factors);
  // The graph keeps them as long as backward needs them.
  factors.dispose();
  return output;
}
