/** Zeroes elements at random in training. */
import { type DropoutMasks, dropout, dropoutOptions, type RandomWords } from '../autograd/ops/dropout.ts';
import { checkNames } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';

/** Options of a Dropout. */
export interface DropoutModuleOptions {
  /** Probability of an element to be zeroed; default 0.5. */
  readonly p?: number;
  /** The run's generator. Save and resume it with the run, and the masks go on. */
  readonly random: RandomWords;
  /** `torch` for torch's own masks, which cost the host time: see the op. `key` by default. */
  readonly masks?: DropoutMasks;
}

const OPTIONS = { p: true, random: true, masks: true } as const satisfies Record<keyof DropoutModuleOptions, true>;

/**
 * In training mode each element is 0 with probability p, else divided by 1 − p; in evaluation mode the input. Any shape.
 * Draws two words of its generator per call in training mode; with torch's masks, two per element.
 */
export class Dropout extends Module {
  readonly p: number;
  readonly masks: DropoutMasks;
  readonly #random: RandomWords;

  /** @throws OptionError */
  constructor(options: DropoutModuleOptions) {
    super();
    checkNames('Dropout', options, OPTIONS);
    const { p, random, masks } = dropoutOptions('Dropout', options);
    this.p = p;
    this.masks = masks;
    this.#random = random;
  }

  override forward(input: Tensor): Tensor {
    const { p, training, masks } = this;
    return dropout(input, { p, training, masks, random: this.#random });
  }
}
