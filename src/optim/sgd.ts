/** Stochastic gradient descent with momentum; its steps equal those of torch.optim.SGD. */
import { OptionError } from '../autograd/errors.ts';
import { flag, numberFrom0 } from '../autograd/options.ts';
import { keep } from '../autograd/scope.ts';
import { Tensor } from '../autograd/tensor.ts';
import { sgdStep } from '../kernels/optim/sgd.ts';
import type { OptimizedParameters } from './groups.ts';
import { Optimizer, type OptimizerKind, type ParameterState } from './optimizer.ts';

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

/** The settings of a group of SGD. */
export type SGDSettings = { -readonly [Name in keyof SGDOptions]-?: NonNullable<SGDOptions[Name]> };

const BUFFER = 'momentum_buffer';

const KIND: OptimizerKind<SGDSettings> = {
  type: 'SGD',
  names: { lr: true, momentum: true, dampening: true, weightDecay: true, nesterov: true },
  tensors: [BUFFER],
  counts: false,
  check(owner, { lr, momentum, dampening, weightDecay, nesterov }) {
    const numbers = { lr, momentum, dampening, weightDecay };
    for (const [name, value] of Object.entries(numbers)) numberFrom0(owner, name, value);
    flag(owner, 'nesterov', nesterov);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new OptionError(
        `${owner}: nesterov needs a momentum above 0 and no dampening, got momentum ${momentum}, dampening ${dampening}.`,
      );
    }
  },
};

/**
 * Let g be the gradient and p the parameter. Then d = g + weightDecay·p. In a parameter's first step buffer = d, later
 * buffer = momentum·buffer + (1 − dampening)·d. The update is p −= lr·buffer (lr·(d + momentum·buffer) with Nesterov,
 * lr·d without momentum).
 *
 * The properties with the names of settings are those of all groups: setting one sets it in every group, and reading it
 * throws an OptionError while the groups have different values.
 */
export class SGD extends Optimizer<SGDSettings> {
  /**
   * @param parameters the tensors to train, or groups of them with settings of their own: `[{ parameters, lr: 0.01 },
   *   { parameters }]`; each step skips those without a gradient
   * @param options the settings of every group that has none of its own
   * @throws OptionError if there are no parameters, one is repeated (also over groups) or no leaf, or an option is
   *   invalid
   * @throws DTypeError for a parameter that is not f32
   */
  constructor(parameters: OptimizedParameters<SGDSettings>, options: SGDOptions) {
    super(KIND, parameters, options, { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false });
  }

  /** Momentum of all groups; 0 for none. @throws OptionError if it is read while they differ */
  get momentum(): number {
    return this.shared('momentum');
  }

  set momentum(value: number) {
    this.share('momentum', value);
  }

  /** Dampening of all groups. @throws OptionError if it is read while they differ */
  get dampening(): number {
    return this.shared('dampening');
  }

  set dampening(value: number) {
    this.share('dampening', value);
  }

  /** Weight decay of all groups. @throws OptionError if it is read while they differ */
  get weightDecay(): number {
    return this.shared('weightDecay');
  }

  set weightDecay(value: number) {
    this.share('weightDecay', value);
  }

  /** Whether all groups use Nesterov's momentum. @throws OptionError if it is read while they differ */
  get nesterov(): boolean {
    return this.shared('nesterov');
  }

  set nesterov(value: boolean) {
    this.share('nesterov', value);
  }

  protected override update(parameter: Tensor, grad: Tensor, settings: SGDSettings, { tensors }: ParameterState): void {
    const { gpu, size } = parameter;
    const { lr, momentum, dampening, weightDecay, nesterov } = settings;
    const first = !tensors.has(BUFFER);
    if (first && momentum !== 0) tensors.set(BUFFER, keep(Tensor.empty(gpu, parameter.shape)));
    const step = { lr, momentum, dampening, weightDecay, nesterov, first };
    sgdStep(gpu, size, step, parameter.buffer, grad.buffer, tensors.get(BUFFER)?.buffer);
  }
}
