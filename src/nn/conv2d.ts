/** Two-dimensional convolution with trainable weights. */
import { expectShape, OptionError } from '../autograd/errors.ts';
import { conv2d } from '../autograd/ops/conv2d.ts';
import { checkNames, flag, type HeightWidth, type Pair, pairOf, wholeNumber } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { checkInit, defaultBound, INIT_OPTIONS, type Init, uniform } from './init.ts';
import { Module } from './module.ts';

/** Options of a Conv2d, sizes in pixels, and the source of its weights. */
export type Conv2dOptions = Init & {
  readonly kernelSize: Pair;
  /** Default 1. */
  readonly stride?: Pair;
  /** Zeros added on each side; default 0. */
  readonly padding?: Pair;
  /** Pixels from one tap to the next; default 1. */
  readonly dilation?: Pair;
  /** Groups of channels that see only each other, of the input and of the output; default 1. Divides both. */
  readonly groups?: number;
  /** Whether it adds a trainable value per channel. On by default. */
  readonly bias?: boolean;
};

const OPTIONS = {
  kernelSize: true,
  stride: true,
  padding: true,
  dilation: true,
  groups: true,
  bias: true,
  ...INIT_OPTIONS,
} as const;

/**
 * [N, inChannels, H, W] to [N, outChannels, H', W'] with H' = ⌊(H + 2·padding − dilation·(kernel − 1) − 1)/stride⌋ + 1.
 */
export class Conv2d extends Module {
  #weight: Tensor;
  /** [outChannels] */
  readonly bias: Tensor | undefined;
  readonly stride: HeightWidth;
  readonly padding: HeightWidth;
  readonly dilation: HeightWidth;
  readonly groups: number;
  readonly inChannels: number;
  readonly outChannels: number;

  /** @throws OptionError */
  constructor(gpu: Gpu, inChannels: number, outChannels: number, options: Conv2dOptions) {
    super();
    checkNames('Conv2d', options, OPTIONS);
    checkInit('Conv2d', options);
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    this.inChannels = wholeNumber('Conv2d', 'inChannels', inChannels, 1);
    this.outChannels = wholeNumber('Conv2d', 'outChannels', outChannels, 1);
    const [height, width] = pairOf('Conv2d', 'kernelSize', options.kernelSize, 1);
    this.stride = pairOf('Conv2d', 'stride', stride, 1);
    this.padding = pairOf('Conv2d', 'padding', padding, 0);
    this.dilation = pairOf('Conv2d', 'dilation', dilation, 1);
    this.groups = wholeNumber('Conv2d', 'groups', groups, 1);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new OptionError(
        `Conv2d: groups must divide inChannels, ${inChannels}, and outChannels, ${outChannels}, got ${groups}.`,
      );
    }
    const groupChannels = inChannels / groups;
    const hasBias = flag('Conv2d', 'bias', bias);
    const bound = defaultBound(groupChannels * height * width);
    const weight = uniform(gpu, [outChannels, groupChannels, height, width], bound, options);
    this.#weight = this.registerParameter('weight', weight);
    if (hasBias) {
      this.bias = this.registerParameter('bias', uniform(gpu, [outChannels], bound, options));
    }
  }

  /** [outChannels, inChannels / groups, kernel height, kernel width] */
  get weight(): Tensor {
    return this.#weight;
  }

  protected override halve(): void {
    this.#weight = this.halved('weight');
  }

  override forward(input: Tensor): Tensor {
    expectShape('Conv2d', 'input', input, ['N', this.inChannels, 'H', 'W']);
    const { stride, padding, dilation, groups } = this;
    return conv2d(input, this.weight, this.bias, { stride, padding, dilation, groups });
  }
}
