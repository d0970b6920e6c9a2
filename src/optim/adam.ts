/** Adam and AdamW; their steps equal those of torch.optim.Adam and torch.optim.AdamW. */
import { OptionError } from '../autograd/errors.ts';
import { numberFrom0 } from '../autograd/options.ts';
import { keep } from '../autograd/scope.ts';
import { Tensor } from '../autograd/tensor.ts';
import { adamStep } from '../kernels/optim/adam.ts';
import type { OptimizedParameters } from './groups.ts';
import { Optimizer, type OptimizerKind, type ParameterState } from './optimizer.ts';

/** Options of Adam and AdamW, each as in torch. */
export interface AdamOptions {
  /** Learning rate; default 1e-3. */
  readonly lr?: number;
  /** Share of the last step's averages of the gradient and of its square in this one's; default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the average square; default 1e-8. */
  readonly eps?: number;
  /** Strength of the decay of weights towards 0; default 0 for Adam, 0.01 for AdamW. */
  readonly weightDecay?: number;
}

/** The settings of a group of Adam or AdamW. */
export type AdamSettings = { -readonly [Name in keyof AdamOptions]-?: NonNullable<AdamOptions[Name]> };

const AVERAGE = 'exp_avg';
const SQUARE = 'exp_avg_sq';

const kindOf = (type: string): OptimizerKind<AdamSettings> => ({
  type,
  names: { lr: true, betas: true, eps: true, weightDecay: true },
  tensors: [AVERAGE, SQUARE],
  counts: true,
  check(owner, { lr, betas, eps, weightDecay }) {
    for (const [name, value] of Object.entries({ lr, eps, weightDecay })) numberFrom0(owner, name, value);
    const isShare = (beta: unknown) => typeof beta === 'number' && beta >= 0 && beta < 1;
    if (Array.isArray(betas) && betas.length === 2 && betas.every(isShare)) return;
    const found = Array.isArray(betas) ? `[${betas.join(', ')}]` : String(betas);
    throw new OptionError(`${owner}: betas must be two numbers of at least 0 and below 1, got ${found}.`);
  },
});

/** What Adam and AdamW share: everything but the decay of weights. */
abstract class AdamBase extends Optimizer<AdamSettings> {
  readonly #decoupled: boolean;

  protected constructor(
    kind: OptimizerKind<AdamSettings>,
    parameters: OptimizedParameters<AdamSettings>,
    options: AdamOptions,
    weightDecay: number,
  ) {
    super(kind, parameters, options, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay });
    this.#decoupled = kind === ADAM_W;
  }

  /** Betas of all groups. @throws OptionError if it is read while they differ */
  get betas(): readonly [number, number] {
    return this.shared('betas');
  }

  set betas(value: readonly [number, number]) {
    this.share('betas', value);
  }

  /** Term beside the root, of all groups. @throws OptionError if it is read while they differ */
  get eps(): number {
    return this.shared('eps');
  }

  set eps(value: number) {
    this.share('eps', value);
  }

  /** Weight decay of all groups. @throws OptionError if it is read while they differ */
  get weightDecay(): number {
    return this.shared('weightDecay');
  }

  set weightDecay(value: number) {
    this.share('weightDecay', value);
  }

  protected override update(
    parameter: Tensor,
    grad: Tensor,
    { lr, betas, eps, weightDecay }: AdamSettings,
    { steps: step, tensors }: ParameterState,
  ): void {
    const { gpu, size, shape } = parameter;
    const average = (name: string) => {
      const found = tensors.get(name) ?? keep(Tensor.zeros(gpu, shape));
      tensors.set(name, found);
      return found.buffer;
    };
    const settings = { lr, betas, eps, weightDecay, decoupled: this.#decoupled, step };
    const [expAvg, expAvgSq] = [average(AVERAGE), average(SQUARE)];
    adamStep(gpu, size, settings, { param: parameter.buffer, grad: grad.buffer, expAvg, expAvgSq });
  }
}

const ADAM = kindOf('Adam');
const ADAM_W = kindOf('AdamW');

/**
 * D. Kingma and J. Ba, 2015 (arXiv:1412.6980). Let g be the gradient, p the parameter and t the number of its steps. Then
 * d = g + weightDecay·p, m = beta1·m + (1 − beta1)·d, v = beta2·v + (1 − beta2)·d². The update is
 * p −= lr / (1 − beta1^t) · m / (√v / √(1 − beta2^t) + eps). Both averages start at 0. There is no amsgrad.
 *
 * The properties with the names of settings are those of all groups, as in SGD.
 */
export class Adam extends AdamBase {
  /**
   * @param parameters the tensors to train, or groups of them with settings of their own, as in SGD
   * @param options the settings of every group that has none of its own
   * @throws OptionError, DTypeError as SGD's
   */
  constructor(parameters: OptimizedParameters<AdamSettings>, options: AdamOptions = {}) {
    super(ADAM, parameters, options, 0);
  }
}

/**
 * Adam with decoupled weight decay (I. Loshchilov and F. Hutter, 2019, arXiv:1711.05101): each step first multiplies the
 * parameter by 1 − lr·weightDecay, and the averages are of the gradient alone.
 */
export class AdamW extends AdamBase {
  /**
   * @param parameters the tensors to train, or groups of them with settings of their own, as in SGD
   * @param options the settings of every group that has none of its own
   * @throws OptionError, DTypeError as SGD's
   */
  constructor(parameters: OptimizedParameters<AdamSettings>, options: AdamOptions = {}) {
    super(ADAM_W, parameters, options, 0.01);
  }
}
