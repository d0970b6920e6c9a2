/** Stochastic gradient descent with momentum; its steps equal those of torch.optim.SGD. */
import { expectDType, expectUsable, OptionError } from '../autograd/errors.ts';
import { checkNames, flag, numberFrom0 } from '../autograd/options.ts';
import { keep } from '../autograd/scope.ts';
import { Tensor } from '../autograd/tensor.ts';
import { sgdStep } from '../kernels/optim/sgd.ts';

/** Options of SGD, each as in torch. */
export interface SGDOptions {
  /** Learning rate. */
  readonly lr: number;
  /** Share of the last step's direction in this one's; default 0. */
  readonly momentum?: number;
  /** Share of the gradient that does not enter the momentum; default 0. */
  readonly dampening?: number;
  /** Strength of the decay of weights towards 0; default 0. */
  readonly weightDecay?: number;
  /** Look-ahead momentum (Y. Nesterov, 1983); off by default. */
  readonly nesterov?: boolean;
}

const OPTIONS = {
  lr: true,
  momentum: true,
  dampening: true,
  weightDecay: true,
  nesterov: true,
} as const satisfies Record<keyof SGDOptions, true>;

/**
 * Let g be the gradient and p the parameter. Then d = g + weightDecay·p. In a parameter's first step buffer = d, later
 * buffer = momentum·buffer + (1 − dampening)·d. The update is p −= lr·buffer (lr·(d + momentum·buffer) with Nesterov,
 * lr·d without momentum).
 */
export class SGD {
  /** Learning rate of the next step. `step` throws unless it is a finite number of at least 0. */
  lr: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
  readonly #parameters: readonly Tensor[];
  readonly #buffers = new Map<Tensor, Tensor>();

  /**
   * @param parameters the tensors to train; each step skips those without a gradient
   * @throws OptionError if there are no parameters, one is repeated, or an option is invalid
   * @throws DTypeError for a parameter that is not f32
   */
  constructor(parameters: Iterable<Tensor>, options: SGDOptions) {
    checkNames('SGD', options, OPTIONS);
    const { lr, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
    this.#parameters = [...parameters];
    if (this.#parameters.length === 0) throw new OptionError('SGD: parameters must hold a tensor or more, got none.');
    if (new Set(this.#parameters).size < this.#parameters.length) {
      throw new OptionError('SGD: a parameter was given twice, so each step would update it twice. Give it once.');
    }
    for (const [i, parameter] of this.#parameters.entries()) expectDType('SGD', `parameter ${i}`, parameter, 'f32');
    this.lr = numberFrom0('SGD', 'lr', lr);
    this.momentum = numberFrom0('SGD', 'momentum', momentum);
    this.dampening = numberFrom0('SGD', 'dampening', dampening);
    this.weightDecay = numberFrom0('SGD', 'weightDecay', weightDecay);
    this.nesterov = flag('SGD', 'nesterov', nesterov);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new OptionError(
        `SGD: nesterov needs a momentum above 0 and no dampening, got momentum ${momentum}, dampening ${dampening}.`,
      );
    }
  }

  /**
   * Updates every parameter that has a gradient. If it throws, it has updated none.
   * @throws OptionError if `lr` was set to an invalid value
   * @throws DisposedTensorError for a disposed parameter or gradient
   */
  step(): void {
    const { lr, momentum, dampening, weightDecay, nesterov } = this;
    numberFrom0('SGD', 'lr', lr);
    for (const [i, parameter] of this.#parameters.entries()) {
      const { grad } = parameter;
      if (!grad) continue;
      expectUsable('SGD', { [`parameter ${i}`]: parameter, [`the gradient of parameter ${i}`]: grad });
    }
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
