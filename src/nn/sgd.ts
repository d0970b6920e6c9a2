/** Stochastic gradient descent with momentum, step for step as torch.optim.SGD. */
import { keep } from '../autograd/scope.ts';
import { Tensor } from '../autograd/tensor.ts';
import { sgdStep } from '../kernels/sgd.ts';

/** Options of SGD, each as in torch. */
export interface SGDOptions {
  /** Learning rate. */
  readonly lr: number;
  /** Share of the last step's direction in this one's; default 0. */
  readonly momentum?: number;
  /** Share of the gradient that does not enter the momentum; default 0. */
  readonly dampening?: number;
  /** Strength of the pull of weights towards 0; default 0. */
  readonly weightDecay?: number;
  /** Look-ahead momentum (Y. Nesterov, 1983); off by default. */
  readonly nesterov?: boolean;
}

/**
 * With g the gradient and p the parameter: d = g + weightDecay·p; buffer = d in a parameter's first step, later
 * momentum·buffer + (1 − dampening)·d; p −= lr·buffer (lr·(d + momentum·buffer) with Nesterov, lr·d without momentum).
 */
export class SGD {
  /** Learning rate of the next step. */
  lr: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
  readonly #parameters: readonly Tensor[];
  readonly #buffers = new Map<Tensor, Tensor>();

  /**
   * @param parameters the tensors to train; those without a gradient are passed over in each step
   * @throws RangeError if there is nothing to train or an option makes no sense
   */
  constructor(parameters: Iterable<Tensor>, options: SGDOptions) {
    const { lr, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
    this.#parameters = [...parameters];
    if (this.#parameters.length === 0) throw new RangeError('SGD needs at least one parameter, got none.');
    if (new Set(this.#parameters).size < this.#parameters.length) {
      throw new RangeError('SGD was given a parameter twice: it would be moved twice in each step.');
    }
    for (const [name, value] of Object.entries({ lr, momentum, weightDecay })) {
      if (!(value >= 0)) throw new RangeError(`SGD needs a ${name} of at least 0, got ${value}.`);
    }
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new RangeError(
        `Nesterov momentum needs a momentum above 0 and no dampening, got momentum ${momentum}, dampening ${dampening}.`,
      );
    }
    this.lr = lr;
    this.momentum = momentum;
    this.dampening = dampening;
    this.weightDecay = weightDecay;
    this.nesterov = nesterov;
  }

  /** Moves every parameter that has a gradient. */
  step(): void {
    const { lr, momentum, dampening, weightDecay, nesterov } = this;
    for (const parameter of this.#parameters) {
      const { grad, gpu, size } = parameter;
      if (!grad) continue;
      const first = !this.#buffers.has(parameter);
      if (first && momentum !== 0) this.#buffers.set(parameter, keep(Tensor.empty(gpu, parameter.shape)));
      const settings = { lr, momentum, dampening, weightDecay, nesterov, first };
      sgdStep(gpu, size, settings, parameter.buffer, grad.buffer, this.#buffers.get(parameter)?.buffer);
    }
  }

  /** Drops every gradient. */
  zeroGrad(): void {
    for (const parameter of this.#parameters) parameter.zeroGrad();
  }

  /** Frees the momentum buffers; the parameters stay. */
  dispose(): void {
    for (const buffer of this.#buffers.values()) buffer.dispose();
    this.#buffers.clear();
  }
}
