/** A learning rate that follows a cosine, as torch.optim.lr_scheduler.CosineAnnealingLR. */
import { checkNames, numberFrom0, wholeNumber } from '../autograd/options.ts';
import { baseRates, checkPerGroup, Schedule, type Scheduled, type ScheduleKind } from './schedule.ts';

/** Options of a CosineAnnealingLR. */
export interface CosineAnnealingLROptions {
  /** Epochs from the first learning rate to the smallest: half a period. */
  readonly tMax: number;
  /** The smallest learning rate; default 0. */
  readonly etaMin?: number;
}

type Settings = Required<CosineAnnealingLROptions> & { readonly baseLrs: readonly number[] };

const OPTIONS = { tMax: true, etaMin: true } as const satisfies Record<keyof CosineAnnealingLROptions, true>;

const KIND: ScheduleKind<Settings> = {
  type: 'CosineAnnealingLR',
  check({ tMax, etaMin, baseLrs }, groups) {
    wholeNumber('CosineAnnealingLR', 'tMax', tMax, 1);
    numberFrom0('CosineAnnealingLR', 'etaMin', etaMin);
    checkPerGroup('CosineAnnealingLR', 'baseLrs', baseLrs, groups);
  },
  // torch's recursion, so that other schedules and changes by hand have the effect that they have there.
  at: (epoch, groups, { tMax, etaMin, baseLrs }) =>
    groups.map(({ lr }, i) => {
      if (epoch === 0) return { lr };
      if ((epoch - 1 - tMax) % (2 * tMax) === 0) {
        return { lr: lr + ((baseLrs[i]! - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2 };
      }
      const height = (at: number) => 1 + Math.cos((Math.PI * at) / tMax);
      return { lr: (height(epoch) / height(epoch - 1)) * (lr - etaMin) + etaMin };
    }),
};

/**
 * From the group's learning rate to `etaMin` in `tMax` epochs by half a cosine, and back in the next `tMax`, and so on:
 * etaMin + (lr − etaMin)·(1 + cos(π·epoch / tMax)) / 2 (I. Loshchilov and F. Hutter, 2017, arXiv:1608.03983, without
 * restarts). Like torch, it computes each value from the one before.
 */
export class CosineAnnealingLR extends Schedule<Settings> {
  /** @throws OptionError */
  constructor(optimizer: Scheduled, options: CosineAnnealingLROptions) {
    checkNames('CosineAnnealingLR', options, OPTIONS);
    const { tMax, etaMin = 0 } = options;
    super(KIND, optimizer, { tMax, etaMin, baseLrs: baseRates(optimizer) });
  }
}
