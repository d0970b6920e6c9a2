/**
 * dropout: zeroes elements at random and scales the rest, so that the mean stays (Hinton et al. 2012). The gradient
 * passes where an element was kept.
 *
 * The mask is a random function of the element's index and a key of two words (Philox, Salmon et al. 2011). Only the key
 * is drawn from the generator, so a run that saves its generator goes on to the same bits, and backward computes the
 * mask anew. It is not the mask that torch draws from the same seed.
 */
import { type DropoutMask, dropout as dropoutKernel } from '../../kernels/dropout/dropout.ts';
import { expectDType, expectUsable, OptionError } from '../errors.ts';
import { record } from '../graph.ts';
import { checkNames, flag, numberFrom0 } from '../options.ts';
import { Tensor } from '../tensor.ts';

/** A source of random 32-bit words, such as a `Generator`. */
export interface RandomWords {
  u32(): number;
}

/** Options of `dropout`. */
export interface DropoutOptions {
  /** Probability of an element to be zeroed; 0.5 by default. */
  readonly p?: number;
  /** On by default. Without it the input is returned unchanged, and nothing is drawn. */
  readonly training?: boolean;
  /** Gives the key: two words per call in training, unless `p` is 0 or 1 or the input is empty. */
  readonly random?: RandomWords;
}

const OPTIONS = { p: true, training: true, random: true } as const satisfies Record<keyof DropoutOptions, true>;

/** Returns the options with defaults. @throws OptionError */
export function dropoutOptions(owner: string, options: DropoutOptions) {
  checkNames(owner, options, OPTIONS);
  const { p = 0.5, training = true, random } = options;
  flag(owner, 'training', training);
  numberFrom0(owner, 'p', p, 1);
  if (training && typeof random?.u32 !== 'function') {
    throw new OptionError(
      `${owner}: random must be a source of random numbers in training, such as new Generator(0), got ${random}.`,
    );
  }
  return { p, training, random: random! };
}

/**
 * Each element is 0 with probability p, else input / (1 − p); any shape. Without training, or with p = 0, a view of the
 * input. Saves the key alone.
 */
export function dropout(input: Tensor, options: DropoutOptions): Tensor {
  const { p, training, random } = dropoutOptions('dropout', options);
  expectUsable('dropout', { input });
  const { gpu, size, shape } = input;
  if (!training || p === 0 || size === 0) {
    return record({
      name: 'dropout',
      inputs: { input },
      output: input.alias(shape),
      options: { training: false },
      backward: (outputGrad) => [outputGrad],
    });
  }
  expectDType('dropout', 'input', input, 'f32');
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
