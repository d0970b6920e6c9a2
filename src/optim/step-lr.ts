/** A learning rate that falls in steps, as torch.optim.lr_scheduler.StepLR. */
import { checkNames, numberFrom0, wholeNumber } from '../autograd/options.ts';
import { Schedule, type Scheduled, type ScheduleKind, scaled } from './schedule.ts';

/** Options of a StepLR. */
export interface StepLROptions {
  /** Epochs between two changes. */
  readonly stepSize: number;
  /** Factor of each change; default 0.1. */
  readonly gamma?: number;
}

type Settings = Required<StepLROptions>;

const OPTIONS = { stepSize: true, gamma: true } as const satisfies Record<keyof StepLROptions, true>;

const KIND: ScheduleKind<Settings> = {
  type: 'StepLR',
  check({ stepSize, gamma }) {
    wholeNumber('StepLR', 'stepSize', stepSize, 1);
    numberFrom0('StepLR', 'gamma', gamma);
  },
  at: (epoch, groups, { stepSize, gamma }) => scaled(groups, epoch > 0 && epoch % stepSize === 0 ? gamma : 1),
};

/**
 * Multiplies the learning rate of each group by gamma whenever the number of finished epochs is a multiple of
 * `stepSize`. Like torch, it multiplies repeatedly: from 1e-3 with gamma 0.1, the third change gives
 * 1.0000000000000002e-6.
 */
export class StepLR extends Schedule<Settings> {
  /** @throws OptionError */
  constructor(optimizer: Scheduled, options: StepLROptions) {
    checkNames('StepLR', options, OPTIONS);
    const { stepSize, gamma = 0.1 } = options;
    super(KIND, optimizer, { stepSize, gamma });
  }

  /** Epochs between two changes. @throws OptionError if it is set to an invalid value */
  get stepSize(): number {
    return this.settings.stepSize;
  }

  set stepSize(stepSize: number) {
    this.settings = { ...this.settings, stepSize };
  }

  /** Factor of each change. @throws OptionError if it is set to an invalid value */
  get gamma(): number {
    return this.settings.gamma;
  }

  set gamma(gamma: number) {
    this.settings = { ...this.settings, gamma };
  }
}
