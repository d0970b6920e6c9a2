/** A learning rate that grows in a straight line, as torch.optim.lr_scheduler.LinearLR. */
import { OptionError } from '../autograd/errors.ts';
import { checkNames, numberFrom0, wholeNumber } from '../autograd/options.ts';
import { Schedule, type Scheduled, type ScheduleKind, scaled } from './schedule.ts';

/** Options of a LinearWarmup. */
export interface LinearWarmupOptions {
  /** Factor of the learning rate in the first epoch, above 0 and at most 1; default 1/3. */
  readonly startFactor?: number;
  /** Factor from epoch `totalIters` on, from 0 to 1; default 1. */
  readonly endFactor?: number;
  /** Epochs from the first factor to the last; default 5. */
  readonly totalIters?: number;
}

type Settings = Required<LinearWarmupOptions>;

const OPTIONS = {
  startFactor: true,
  endFactor: true,
  totalIters: true,
} as const satisfies Record<keyof LinearWarmupOptions, true>;

const KIND: ScheduleKind<Settings> = {
  type: 'LinearWarmup',
  check({ startFactor, endFactor, totalIters }) {
    numberFrom0('LinearWarmup', 'startFactor', startFactor, 1);
    if (startFactor === 0) throw new OptionError('LinearWarmup: startFactor must be above 0, got 0.');
    numberFrom0('LinearWarmup', 'endFactor', endFactor, 1);
    wholeNumber('LinearWarmup', 'totalIters', totalIters, 1);
  },
  at(epoch, groups, { startFactor, endFactor, totalIters }) {
    if (epoch === 0) return scaled(groups, startFactor);
    if (epoch > totalIters) return scaled(groups, 1);
    const slope = endFactor - startFactor;
    // Rounding must not turn a last factor of 0 into a negative learning rate.
    return scaled(groups, Math.max(0, 1 + slope / (totalIters * startFactor + (epoch - 1) * slope)));
  },
};

/**
 * torch's LinearLR: multiplies the learning rate of each group by a factor that goes in a straight line from
 * `startFactor` to `endFactor` in `totalIters` epochs, and stays there. Building it multiplies the learning rates by
 * `startFactor`. Other schedules of the same optimizer may work at the same time.
 */
export class LinearWarmup extends Schedule<Settings> {
  /** @throws OptionError */
  constructor(optimizer: Scheduled, options: LinearWarmupOptions = {}) {
    checkNames('LinearWarmup', options, OPTIONS);
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
    super(KIND, optimizer, { startFactor, endFactor, totalIters });
  }
}
