/** Fully connected layer. */
import { linear } from '../autograd/ops/linear.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { defaultBound, type Init, uniform } from './init.ts';
import { Module } from './module.ts';

/** Options of a Linear, and where its weights come from. */
export type LinearOptions = Init & {
  /** Whether it adds a learned value per feature. On by default. */
  readonly bias?: boolean;
};

/** [N, inFeatures] to [N, outFeatures]: input · weightᵀ + bias. */
export class Linear extends Module {
  #weight: Tensor;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** [outFeatures] */
  readonly bias: Tensor | undefined;

  constructor(gpu: Gpu, inFeatures: number, outFeatures: number, options: LinearOptions) {
    super();
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    const bound = defaultBound(inFeatures);
    const weight = uniform(gpu, [outFeatures, inFeatures], bound, options);
    this.#weight = this.registerParameter('weight', weight);
    if (options.bias ?? true) {
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
    return linear(input, this.weight, this.bias);
  }
}
