/** Fully connected layer. */
import { formatShape, ShapeError } from '../autograd/errors.ts';
import { linear } from '../autograd/ops/linear.ts';
import { checkNames, flag, wholeNumber } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { checkInit, defaultBound, INIT_OPTIONS, type Init, uniform } from './init.ts';
import { Module } from './module.ts';

/** Options of a Linear, and the source of its weights. */
export type LinearOptions = Init & {
  /** Whether it adds a trainable value per feature. On by default. */
  readonly bias?: boolean;
};

const OPTIONS = { bias: true, ...INIT_OPTIONS } as const;

/** [N, inFeatures] to [N, outFeatures]: input · weightᵀ + bias. */
export class Linear extends Module {
  #weight: Tensor;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** [outFeatures] */
  readonly bias: Tensor | undefined;

  /** @throws OptionError */
  constructor(gpu: Gpu, inFeatures: number, outFeatures: number, options: LinearOptions) {
    super();
    checkNames('Linear', options, OPTIONS);
    checkInit('Linear', options);
    const hasBias = flag('Linear', 'bias', options.bias === undefined ? true : options.bias);
    this.inFeatures = wholeNumber('Linear', 'inFeatures', inFeatures, 1);
    this.outFeatures = wholeNumber('Linear', 'outFeatures', outFeatures, 1);
    const bound = defaultBound(inFeatures);
    const weight = uniform(gpu, [outFeatures, inFeatures], bound, options);
    this.#weight = this.registerParameter('weight', weight);
    if (hasBias) {
      this.bias = this.registerParameter('bias', uniform(gpu, [outFeatures], bound, options));
    }
  }

  /** [outFeatures, inFeatures] */
  get weight(): Tensor {
    return this.#weight;
  }

  protected override halve(): void {
    this.#weight = this.halved('weight');
  }

  override forward(input: Tensor): Tensor {
    if (input.shape.at(-1) !== this.inFeatures) {
      throw new ShapeError(`Linear: input must have shape [..., ${this.inFeatures}], got ${formatShape(input.shape)}.`);
    }
    return linear(input, this.weight, this.bias);
  }
}
