/**
 * The block of mobile networks: widen by a 1×1 convolution, filter each channel alone, narrow by a 1×1 convolution, and add
 * what came in if the shape is the same (M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018).
 */
import type { Tensor } from '../autograd/tensor.ts';
import { plus, type Step } from '../nn/fuse.ts';
import { Module } from '../nn/module.ts';
import { pipe } from '../nn/pipe.ts';
import { Sequential } from '../nn/sequential.ts';
import type { StochasticDepth } from '../nn/stochastic-depth.ts';
import { unfolded } from './conv-norm.ts';

/** The parts of an InvertedResidual. */
export interface InvertedResidualParts {
  /** Its layers, in the order of computing. */
  readonly steps: readonly Step[];
  /** The name of the chain of layers in the state dict: `conv` in MobileNetV2, else `block`. */
  readonly name: 'conv' | 'block';
  /** Whether the input is added. */
  readonly residual: boolean;
  /** Drops the layers' output before the input is added. */
  readonly depth?: StochasticDepth | undefined;
}

/** [N, C, H, W] to what its layers give, plus the input if it is a residual block. */
export class InvertedResidual extends Module {
  readonly residual: boolean;
  readonly #layers: Sequential;
  readonly #depth: StochasticDepth | undefined;

  constructor({ steps, name, residual, depth }: InvertedResidualParts) {
    super();
    this.residual = residual;
    this.#layers = this.registerModule(name, new Sequential(...steps));
    this.#depth = depth && this.registerModule('stochastic_depth', depth);
  }

  override forward(input: Tensor): Tensor {
    const steps = unfolded(this.#layers.steps);
    if (!this.residual) return pipe(input, ...steps);
    // Without it in between, the last batch norm adds the input in its own pass.
    const drop = this.#depth?.isActive ? [this.#depth] : [];
    return pipe(
      input,
      ...steps,
      ...drop,
      plus(() => input),
    );
  }
}
