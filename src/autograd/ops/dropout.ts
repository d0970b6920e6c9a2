/**
 * dropout: zeroes elements at random and scales the rest, so that the mean stays (Hinton et al. 2012). The gradient
 * passes where an element was kept.
 *
 * The mask is a random function of the element's index and a key of two words (Philox, Salmon et al. 2011). Only the key
 * is drawn from the generator, so a run that saves its generator goes on to the same bits, and backward computes the
 * mask anew. It is not the mask that torch draws from the same seed; `masks: 'torch'` draws that one, on the host.
 */
import { type DropoutMask, dropout as dropoutKernel } from '../../kernels/dropout/dropout.ts';
import { expectDType, expectUsable, OptionError } from '../errors.ts';
import { record } from '../graph.ts';
import { checkNames, flag, numberFrom0, oneOf } from '../options.ts';
import { Tensor } from '../tensor.ts';
import { mul } from './elementwise.ts';
import { keepFactors, type RandomWords } from './keep-factors.ts';

export type { RandomWords } from './keep-factors.ts';

/**
 * Where masks come from: from a key of two words, on the device (`key`); or from two words for each element, as on torch's CPU
 * (`torch`), which takes the host some 10 ns per element: for small tensors, such as a network's features.
 */
export type DropoutMasks = 'key' | 'torch';

/** Options of `dropout`. */
export interface DropoutOptions {
  /** Probability of an element to be zeroed; 0.5 by default. */
  readonly p?: number;
  /** On by default. Without it the input is returned unchanged, and nothing is drawn. */
  readonly training?: boolean;
  /** Gives two words per call in training, or two per element, unless `p` is 0 or 1 or the input is empty. */
  readonly random?: RandomWords;
  /** `key` by default. */
  readonly masks?: DropoutMasks;
}

const OPTIONS = { p: true, training: true, random: true, masks: true } as const satisfies Record<
  keyof DropoutOptions,
  true
>;

/** Returns the options with defaults. @throws OptionError */
export function dropoutOptions(owner: string, options: DropoutOptions) {
  checkNames(owner, options, OPTIONS);
  const { p = 0.5, training = true, random, masks = 'key' } = options;
  flag(owner, 'training', training);
  numberFrom0(owner, 'p', p, 1);
  return {
    p,
    training,
    random: expectRandom(owner, training, random),
    masks: oneOf(owner, 'masks', masks, { key: 'key', torch: 'torch' } as const),
  };
}

/** Returns the source of random words, which only training needs. @throws OptionError if there is none in training */
export function expectRandom(owner: string, training: boolean, random: RandomWords | undefined): RandomWords {
  if (!training || typeof random?.u32 === 'function') return random!;
  throw new OptionError(
    `${owner}: random must be a source of random numbers in training, such as new Generator(0), got ${random}.`,
  );
}

/** A view of the input, through which gradients pass: the result of an op that does nothing now. */
export function passThrough(name: string, input: Tensor): Tensor {
  return record({
    name,
    inputs: { input },
    output: input.alias(input.shape),
    options: { training: false },
    backward: (outputGrad) => [outputGrad],
  });
}

/**
 * Each element is 0 with probability p, else input / (1 − p); any shape. Without training, or with p = 0, a view of the
 * input. Saves the key alone, or torch's factors.
 */
export function dropout(input: Tensor, options: DropoutOptions): Tensor {
  const { p, training, random, masks } = dropoutOptions('dropout', options);
  expectUsable('dropout', { input });
  const { gpu, size, shape } = input;
  if (!training || p === 0 || size === 0) return passThrough('dropout', input);
  expectDType('dropout', 'input', input, 'f32');
  if (masks === 'torch' && p < 1) {
    const factors = keepFactors(gpu, shape, p, random);
    const output = mul(input, factors);
    factors.dispose();
    return output;
  }
  const mask = p === 1 ? NOTHING : maskOf(p, random);
  const output = Tensor.empty(gpu, shape);
  dropoutKernel(gpu, size, mask, input.buffer, output.buffer);
  return record({
    name: 'dropout',
    inputs: { input },
    output,
    options: { training: true },
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, shape);
      dropoutKernel(gpu, size, mask, outputGrad.buffer, inputGrad.buffer);
      return [inputGrad];
    },
  });
}

/** No element is dropped, and all are scaled by 0. */
const NOTHING: DropoutMask = { key: [0, 0], drop: 0, scale: 0 };

/** Values of a random word. */
const WORDS = 2 ** 32;

function maskOf(p: number, random: RandomWords): DropoutMask {
  const key = [random.u32(), random.u32()] as const;
  return { key, drop: Math.min(Math.round(p * WORDS), WORDS - 1), scale: 1 / (1 - p) };
}
