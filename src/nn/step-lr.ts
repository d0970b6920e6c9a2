/** A learning rate that falls in steps, as torch.optim.lr_scheduler.StepLR. */
import { checkNames, numberFrom0, wholeNumber } from '../autograd/options.ts';
import { type SavedValues, savedNumber } from './saved-values.ts';

/** Options of a StepLR. */
export interface StepLROptions {
  /** Epochs between two changes. */
  readonly stepSize: number;
  /** Factor of each change; default 0.1. */
  readonly gamma?: number;
}

const OPTIONS = { stepSize: true, gamma: true } as const satisfies Record<keyof StepLROptions, true>;

/**
 * Multiplies the optimizer's learning rate by gamma whenever the number of finished epochs is a multiple of `stepSize`.
 * Like torch, it multiplies repeatedly: from 1e-3 with gamma 0.1, the third change gives 1.0000000000000002e-6.
 */
export class StepLR {
  stepSize: number;
  gamma: number;
  readonly #optimizer: { lr: number };
  #epoch = 0;

  /** @throws OptionError */
  constructor(optimizer: { lr: number }, options: StepLROptions) {
    checkNames('StepLR', options, OPTIONS);
    const { stepSize, gamma = 0.1 } = options;
    this.#optimizer = optimizer;
    this.stepSize = wholeNumber('StepLR', 'stepSize', stepSize, 1);
    this.gamma = numberFrom0('StepLR', 'gamma', gamma);
  }

  /** Number of finished epochs. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Everything but the learning rate, which is the optimizer's. */
  stateDict(): SavedValues {
    return { type: 'StepLR', epoch: this.#epoch, stepSize: this.stepSize, gamma: this.gamma };
  }

  /** Goes on from a state of `stateDict`; as in torch, its settings replace these. @throws OptionError */
  loadStateDict(state: SavedValues): void {
    const [epoch, stepSize, gamma] = ['epoch', 'stepSize', 'gamma'].map((name) => savedNumber('StepLR', state, name));
    wholeNumber('StepLR', 'epoch', epoch!, 0);
    wholeNumber('StepLR', 'stepSize', stepSize!, 1);
    numberFrom0('StepLR', 'gamma', gamma!);
    this.#epoch = epoch!;
    this.stepSize = stepSize!;
    this.gamma = gamma!;
  }

  /** Call it at the end of each epoch. */
  step(): void {
    this.#epoch++;
    if (this.#epoch % this.stepSize === 0) this.#optimizer.lr *= this.gamma;
  }
}
