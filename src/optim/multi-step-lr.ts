/** A learning rate that falls at given epochs, as torch.optim.lr_scheduler.MultiStepLR. */
import { OptionError } from '../autograd/errors.ts';
import { checkNames, numberFrom0, wholeNumber } from '../autograd/options.ts';
import { Schedule, type Scheduled, type ScheduleKind, scaled } from './schedule.ts';

/** Options of a MultiStepLR. */
export interface MultiStepLROptions {
  /** Numbers of finished epochs after which the learning rate changes. One that is given twice counts twice. */
  readonly milestones: readonly number[];
  /** Factor of each change; default 0.1. */
  readonly gamma?: number;
}

type Settings = Required<MultiStepLROptions>;

const OPTIONS = { milestones: true, gamma: true } as const satisfies Record<keyof MultiStepLROptions, true>;

const KIND: ScheduleKind<Settings> = {
  type: 'MultiStepLR',
  check({ milestones, gamma }) {
    if (!Array.isArray(milestones)) {
      throw new OptionError(`MultiStepLR: milestones must be a list of epochs, such as [30, 80], got ${milestones}.`);
    }
    for (const [i, milestone] of milestones.entries()) wholeNumber('MultiStepLR', `milestones[${i}]`, milestone, 1);
    numberFrom0('MultiStepLR', 'gamma', gamma);
  },
  at: (epoch, groups, { milestones, gamma }) =>
    scaled(groups, gamma ** milestones.filter((milestone) => milestone === epoch).length),
};

/** Multiplies the learning rate of each group by gamma when the number of finished epochs is one of the milestones. */
export class MultiStepLR extends Schedule<Settings> {
  /** @throws OptionError */
  constructor(optimizer: Scheduled, options: MultiStepLROptions) {
    checkNames('MultiStepLR', options, OPTIONS);
    const { milestones, gamma = 0.1 } = options;
    super(KIND, optimizer, { milestones: Array.isArray(milestones) ? [...milestones] : milestones, gamma });
  }
}
