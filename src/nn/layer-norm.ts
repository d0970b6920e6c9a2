/** Normalisation of the last dimensions (J. L. Ba, J. R. Kiros and G. E. Hinton, 2016). */
import { layerNorm, normalizedExtents } from '../autograd/ops/layer-norm.ts';
import { checkNames, flag, numberFrom0 } from '../autograd/options.ts';
import { type Shape, sizeOf, Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Module } from './module.ts';

/** Options of a LayerNorm. */
export interface LayerNormOptions {
  /** Added to the variance inside the square root; default 1e-5. */
  readonly eps?: number;
  /** Whether it has a trainable weight, and a bias. On by default. */
  readonly elementwiseAffine?: boolean;
  /** Whether it has a bias, if it has a weight. On by default. */
  readonly bias?: boolean;
}

const OPTIONS = { eps: true, elementwiseAffine: true, bias: true } as const satisfies Record<
  keyof LayerNormOptions,
  true
>;

/** Normalises [*, ...normalizedShape] over the dimensions of `normalizedShape`, then scales and shifts each value. */
export class LayerNorm extends Module {
  readonly normalizedShape: Shape;
  readonly eps: number;
  /** [...normalizedShape], starts at 1. */
  readonly weight: Tensor | undefined;
  /** [...normalizedShape], starts at 0. */
  readonly bias: Tensor | undefined;

  /** @throws OptionError */
  constructor(gpu: Gpu, normalizedShape: number | Shape, options: LayerNormOptions = {}) {
    super();
    checkNames('LayerNorm', options, OPTIONS);
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    this.normalizedShape = normalizedExtents('LayerNorm', normalizedShape);
    this.eps = numberFrom0('LayerNorm', 'eps', eps);
    const affine = flag('LayerNorm', 'elementwiseAffine', elementwiseAffine);
    const shape = this.normalizedShape;
    const hasBias = flag('LayerNorm', 'bias', bias) && affine;
    if (affine) {
      const ones = new Float32Array(sizeOf(shape)).fill(1);
      this.weight = this.registerParameter('weight', Tensor.from(gpu, ones, shape));
    }
    if (hasBias) this.bias = this.registerParameter('bias', Tensor.zeros(gpu, shape));
  }

  override forward(input: Tensor): Tensor {
    return layerNorm(input, this.normalizedShape, this.weight, this.bias, { eps: this.eps });
  }
}
