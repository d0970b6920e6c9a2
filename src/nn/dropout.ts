/** Zeroes elements at random in training. */
import { dropout, dropoutOptions, type RandomWords } from '../autograd/ops/dropout.ts';
import { checkNames } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';

/** Options of a Dropout. */
export interface DropoutModuleOptions {
  /** Probability of an element to be zeroed; default 0.5. */
  readonly p?: number;
  /** The run's generator. Save and resume it with the run, and the masks go on. */
  readonly random: RandomWords;
}

const OPTIONS = { p: true, random: true } as const satisfies Record<keyof DropoutModuleOptions, true>;

/**
 * In training mode each element is 0 with probability p, else divided by 1 − p; in evaluation mode the input. Any shape.
 * Draws two words of its generator per call in training mode. The masks are not torch's.
 */
export class Dropout extends Module {
  readonly p: number;
  readonly #random: RandomWords;

  /** @throws OptionError */
  constructor(options: DropoutModuleOptions) {
    super();
    checkNames('Dropout', options, OPTIONS);
    const { p, random } = dropoutOptions('Dropout', options);
    this.p = p;
    this.#random = random;
  }

  override forward(input: Tensor): Tensor {
    return dropout(input, { p: this.p, training: this.training, random: this.#random });
  }
}
