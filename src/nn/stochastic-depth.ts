/** Drops whole residual branches at random in training. */
import type { RandomWords } from '../autograd/ops/dropout.ts';
import { type DepthMode, stochasticDepth, stochasticDepthOptions } from '../autograd/ops/stochastic-depth.ts';
import { checkNames } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { Module } from './module.ts';

/** Options of a StochasticDepth. */
export interface StochasticDepthModuleOptions {
  /** Probability that a branch is zeroed, 0 to 1. */
  readonly p: number;
  /** Whether each image of a batch is dropped alone, or all together; `row`, the first, by default. */
  readonly mode?: DepthMode;
  /** The run's generator. Save and resume it with the run, and the draws go on. */
  readonly random: RandomWords;
}

const OPTIONS = { p: true, mode: true, random: true } as const satisfies Record<
  keyof StochasticDepthModuleOptions,
  true
>;

/**
 * In training mode each image of [N, ...] is 0 with probability p, else divided by 1 − p; in evaluation mode the input. It draws
 * what torchvision's module draws: two words of its generator for each image (mode `row`), or two in all.
 */
export class StochasticDepth extends Module {
  readonly p: number;
  readonly mode: DepthMode;
  readonly #random: RandomWords;

  /** @throws OptionError */
  constructor(options: StochasticDepthModuleOptions) {
    super();
    checkNames('StochasticDepth', options, OPTIONS);
    const { p, mode, random } = stochasticDepthOptions('StochasticDepth', options);
    this.p = p;
    this.mode = mode;
    this.#random = random;
  }

  /** Whether it does anything now. Without effect, a chain may leave it out. */
  get isActive(): boolean {
    return this.training && this.p > 0;
  }

  override forward(input: Tensor): Tensor {
    const { p, mode, training } = this;
    return stochasticDepth(input, { p, mode, training, random: this.#random });
  }
}
