/** Normalisation of groups of channels (Y. Wu and K. He, 2018). */
import { expectShape, OptionError } from '../autograd/errors.ts';
import { groupNorm } from '../autograd/ops/group-norm.ts';
import { checkNames, flag, numberFrom0, wholeNumber } from '../autograd/options.ts';
import { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Module } from './module.ts';

/** Options of a GroupNorm. */
export interface GroupNormOptions {
  /** Added to the variance inside the square root; default 1e-5. */
  readonly eps?: number;
  /** Whether it has a trainable weight and bias. On by default. */
  readonly affine?: boolean;
}

const OPTIONS = { eps: true, affine: true } as const satisfies Record<keyof GroupNormOptions, true>;

/** Normalises each group of adjacent channels of [N, numChannels, *], then scales and shifts each channel. */
export class GroupNorm extends Module {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  /** [numChannels], starts at 1. */
  readonly weight: Tensor | undefined;
  /** [numChannels], starts at 0. */
  readonly bias: Tensor | undefined;

  /** @throws OptionError */
  constructor(gpu: Gpu, numGroups: number, numChannels: number, options: GroupNormOptions = {}) {
    super();
    checkNames('GroupNorm', options, OPTIONS);
    const { eps = 1e-5, affine = true } = options;
    this.numGroups = wholeNumber('GroupNorm', 'numGroups', numGroups, 1);
    this.numChannels = wholeNumber('GroupNorm', 'numChannels', numChannels, 1);
    if (numChannels % numGroups !== 0) {
      throw new OptionError(
        `GroupNorm: numGroups must divide numChannels, got ${numGroups} groups of ${numChannels} channels.`,
      );
    }
    this.eps = numberFrom0('GroupNorm', 'eps', eps);
    if (!flag('GroupNorm', 'affine', affine)) return;
    const ones = new Float32Array(numChannels).fill(1);
    this.weight = this.registerParameter('weight', Tensor.from(gpu, ones, [numChannels]));
    this.bias = this.registerParameter('bias', Tensor.zeros(gpu, [numChannels]));
  }

  override forward(input: Tensor): Tensor {
    const { numGroups, weight, bias, eps, numChannels } = this;
    expectShape('GroupNorm', 'input', input, ['N', numChannels, ...input.shape.slice(2)]);
    return groupNorm(input, numGroups, weight, bias, { eps });
  }
}
