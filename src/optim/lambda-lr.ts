/** A learning rate by a function of the caller, as torch.optim.lr_scheduler.LambdaLR. */
import { OptionError } from '../autograd/errors.ts';
import { numberFrom0 } from '../autograd/options.ts';
import { baseRates, checkPerGroup, Schedule, type Scheduled, type ScheduleKind, scheduledGroups } from './schedule.ts';

/** The factor of the first learning rate when `epoch` epochs are finished: a finite number of at least 0. */
export type LrLambda = (epoch: number) => number;

interface Settings {
  readonly baseLrs: readonly number[];
}

const kindOf = (lambdas: readonly LrLambda[]): ScheduleKind<Settings> => ({
  type: 'LambdaLR',
  check: ({ baseLrs }, groups) => checkPerGroup('LambdaLR', 'baseLrs', baseLrs, groups),
  at: (epoch, groups, { baseLrs }) =>
    groups.map((_, i) => ({
      lr: baseLrs[i]! * numberFrom0('LambdaLR', `the factor of group ${i} at epoch ${epoch}`, lambdas[i]!(epoch)),
    })),
});

/**
 * Sets the learning rate of each group to its first one times `lrLambda(epoch)`. Functions are not saved: build the
 * schedule with the same ones before `loadStateDict`.
 */
export class LambdaLR extends Schedule<Settings> {
  /**
   * @param lrLambda one function for all groups, or a list with one for each
   * @throws OptionError, also of `step` if a function returns an invalid factor; then nothing was changed
   */
  constructor(optimizer: Scheduled, lrLambda: LrLambda | readonly LrLambda[]) {
    const { length } = scheduledGroups(optimizer);
    const lambdas: readonly LrLambda[] = Array.isArray(lrLambda)
      ? [...lrLambda]
      : Array.from({ length }, () => lrLambda as LrLambda);
    if (lambdas.length !== length || lambdas.some((one) => typeof one !== 'function')) {
      const found = Array.isArray(lrLambda) ? `a list of ${lambdas.length}` : String(lrLambda);
      throw new OptionError(
        `LambdaLR: lrLambda must be a function of the epoch, or a list of ${length}, one for each group, got ${found}.`,
      );
    }
    super(kindOf(lambdas), optimizer, { baseLrs: baseRates(optimizer) });
  }
}
