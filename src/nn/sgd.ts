/** Stochastic gradient descent with momentum; its steps equal those of torch.optim.SGD. */
import { expectDType, expectUsable, OptionError } from '../autograd/errors.ts';
import { checkNames, flag, numberFrom0 } from '../autograd/options.ts';
import { keep } from '../autograd/scope.ts';
import { Tensor } from '../autograd/tensor.ts';
import { sgdStep } from '../kernels/optim/sgd.ts';
import { type SavedValues, savedNumber } from './saved-values.ts';
import { type HostEntry, loadState, type StateDict } from './state-dict.ts';

/** The state of an optimizer: plain values, and tensors on the device. */
export interface OptimizerState<Entry = Tensor> {
  readonly values: SavedValues;
  readonly tensors: ReadonlyMap<string, Entry>;
}

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
  momentum!: number;
  dampening!: number;
  weightDecay!: number;
  nesterov!: boolean;
  readonly #parameters: readonly Tensor[];
  readonly #buffers = new Map<Tensor, Tensor>();

  /**
   * @param parameters the tensors to train; each step skips those without a gradient
   * @throws OptionError if there are no parameters, one is repeated or no leaf, or an option is invalid
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
    for (const [i, parameter] of this.#parameters.entries()) {
      expectDType('SGD', `parameter ${i}`, parameter, 'f32');
      if (!parameter.holdings.graph) continue;
      throw new OptionError(
        `SGD: parameter ${i} is a result of ${parameter.holdings.label}, which gets no gradient of its own. Give the leaves.`,
      );
    }
    this.lr = lr;
    this.#configure({ lr, momentum, dampening, weightDecay, nesterov });
  }

  #configure({ lr, momentum, dampening, weightDecay, nesterov }: Required<SGDOptions>): void {
    const numbers = { lr, momentum, dampening, weightDecay };
    for (const [name, value] of Object.entries(numbers)) numberFrom0('SGD', name, value);
    flag('SGD', 'nesterov', nesterov);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new OptionError(
        `SGD: nesterov needs a momentum above 0 and no dampening, got momentum ${momentum}, dampening ${dampening}.`,
      );
    }
    Object.assign(this, numbers, { nesterov });
  }

  /**
   * The settings, and a momentum buffer for each parameter that has made a step: `0.momentum_buffer` is that of the
   * first parameter. The tensors are the optimizer's own.
   */
  stateDict(): OptimizerState {
    const { lr, momentum, dampening, weightDecay, nesterov } = this;
    const tensors = new Map<string, Tensor>();
    for (const [i, parameter] of this.#parameters.entries()) {
      const buffer = this.#buffers.get(parameter);
      if (buffer) tensors.set(`${i}.momentum_buffer`, buffer);
    }
    const values = { type: 'SGD', lr, momentum, dampening, weightDecay, nesterov, parameters: this.#parameters.length };
    return { values, tensors };
  }

  /**
   * Goes on from a state of `stateDict` with the same parameters; as in torch, its settings replace these.
   * @throws OptionError for a state of another optimizer, of more or fewer parameters, or with invalid settings
   * @throws StateDictError if a momentum buffer does not fit its parameter; nothing was changed
   */
  loadStateDict({ values, tensors }: OptimizerState<HostEntry>): void {
    const number = (name: string) => savedNumber('SGD', values, name);
    const count = number('parameters');
    if (count !== this.#parameters.length) {
      throw new OptionError(
        `SGD: the saved state is of ${count} parameters, this optimizer has ${this.#parameters.length}. ` +
          'Give it the parameters that the saved one had, in the same order.',
      );
    }
    const buffers = new Map<Tensor, Tensor>();
    const state = new Map<string, Tensor>();
    for (const [i, parameter] of this.#parameters.entries()) {
      const name = `${i}.momentum_buffer`;
      if (!tensors.has(name)) continue;
      const buffer = keep(Tensor.empty(parameter.gpu, parameter.shape));
      buffers.set(parameter, buffer);
      state.set(name, buffer);
    }
    try {
      loadState(state as StateDict, tensors);
      this.#configure({
        lr: number('lr'),
        momentum: number('momentum'),
        dampening: number('dampening'),
        weightDecay: number('weightDecay'),
        nesterov: values.nesterov === true,
      });
    } catch (error) {
      for (const buffer of buffers.values()) buffer.dispose();
      throw error;
    }
    this.dispose();
    for (const [parameter, buffer] of buffers) this.#buffers.set(parameter, buffer);
  }

  /**
   * Updates every parameter that has a gradient. If it throws, it has updated none.
   * @throws OptionError if a setting was changed to an invalid value
   * @throws DisposedTensorError for a disposed parameter or gradient
   */
  step(): void {
    const { lr, momentum, dampening, weightDecay, nesterov } = this;
    this.#configure({ lr, momentum, dampening, weightDecay, nesterov });
    for (const [i, parameter] of this.#parameters.entries()) {
      const { grad } = parameter;
      if (!grad) {
        expectUsable('SGD', { [`parameter ${i}`]: parameter });
        continue;
      }
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
