/** One rise and fall of learning rate and momentum, as torch.optim.lr_scheduler.OneCycleLR. */
import { OptionError } from '../autograd/errors.ts';
import { checkNames, flag, numberFrom0, wholeNumber } from '../autograd/options.ts';
import {
  checkPerGroup,
  Schedule,
  type Scheduled,
  type ScheduledGroup,
  type ScheduleKind,
  scheduledGroups,
  setBaseRates,
} from './schedule.ts';

/** Options of a OneCycleLR, each as in torch. A list has a value for each group. */
export interface OneCycleLROptions {
  /** The largest learning rate. */
  readonly maxLr: number | readonly number[];
  /** Length of the cycle in calls of `step`. Give it, or `epochs` and `stepsPerEpoch`. */
  readonly totalSteps?: number;
  readonly epochs?: number;
  readonly stepsPerEpoch?: number;
  /** Share of the cycle in which the learning rate rises, from 0 to 1; default 0.3. */
  readonly pctStart?: number;
  /** Shape of the rise and fall; default 'cos'. */
  readonly annealStrategy?: 'cos' | 'linear';
  /** Whether the momentum (of Adam the first beta) falls while the learning rate rises, and back. On by default. */
  readonly cycleMomentum?: boolean;
  /** The smallest momentum; default 0.85. */
  readonly baseMomentum?: number | readonly number[];
  /** The largest momentum; default 0.95. */
  readonly maxMomentum?: number | readonly number[];
  /** The first learning rate is `maxLr / divFactor`; default 25. */
  readonly divFactor?: number;
  /** The last learning rate is the first one over this; default 1e4. */
  readonly finalDivFactor?: number;
  /** Whether the fall ends at the first learning rate, and a third phase goes on to the last. Off by default. */
  readonly threePhase?: boolean;
}

interface Settings {
  readonly totalSteps: number;
  readonly pctStart: number;
  readonly annealStrategy: 'cos' | 'linear';
  readonly threePhase: boolean;
  readonly cycleMomentum: boolean;
  readonly initialLrs: readonly number[];
  readonly maxLrs: readonly number[];
  readonly minLrs: readonly number[];
  readonly baseMomentums: readonly number[];
  readonly maxMomentums: readonly number[];
}

const OPTIONS = {
  maxLr: true,
  totalSteps: true,
  epochs: true,
  stepsPerEpoch: true,
  pctStart: true,
  annealStrategy: true,
  cycleMomentum: true,
  baseMomentum: true,
  maxMomentum: true,
  divFactor: true,
  finalDivFactor: true,
  threePhase: true,
} as const satisfies Record<keyof OneCycleLROptions, true>;

const TYPE = 'OneCycleLR';

type Rates = 'initialLrs' | 'maxLrs' | 'minLrs';
type Momentums = 'baseMomentums' | 'maxMomentums';

/** A part of the cycle: its last step, and what it leads from and to. */
interface Phase {
  readonly end: number;
  readonly lr: readonly [from: Rates, to: Rates];
  readonly momentum: readonly [from: Momentums, to: Momentums];
}

function phasesOf({ totalSteps, pctStart, threePhase }: Settings): readonly Phase[] {
  const last = totalSteps - 1;
  const rise = pctStart * totalSteps - 1;
  const [falling, rising] = [
    ['maxMomentums', 'baseMomentums'],
    ['baseMomentums', 'maxMomentums'],
  ] as const;
  const first: Phase = { end: rise, lr: ['initialLrs', 'maxLrs'], momentum: falling };
  if (!threePhase) return [first, { end: last, lr: ['maxLrs', 'minLrs'], momentum: rising }];
  return [
    first,
    { end: 2 * pctStart * totalSteps - 2, lr: ['maxLrs', 'initialLrs'], momentum: rising },
    { end: last, lr: ['initialLrs', 'minLrs'], momentum: ['maxMomentums', 'maxMomentums'] },
  ];
}

/** The phase of a step, and how much of it is over: 0 at its start, 1 at its end. @throws OptionError */
function placeOf(step: number, settings: Settings): { phase: Phase; share: number } {
  if (step > settings.totalSteps) {
    throw new OptionError(
      `${TYPE}: step ${step} is beyond totalSteps ${settings.totalSteps}. Stop, or make more steps.`,
    );
  }
  const phases = phasesOf(settings);
  const index = phases.findIndex(({ end }, i) => step <= end || i === phases.length - 1);
  const phase = phases[index]!;
  const start = phases[index - 1]?.end ?? 0;
  if (phase.end === start) {
    throw new OptionError(
      `${TYPE}: pctStart ${settings.pctStart} of totalSteps ${settings.totalSteps} leaves no step for a phase. ` +
        'Change pctStart, or make more steps.',
    );
  }
  return { phase, share: (step - start) / (phase.end - start) };
}

const ANNEAL = {
  cos: (from: number, to: number, share: number) => to + ((from - to) / 2) * (Math.cos(Math.PI * share) + 1),
  linear: (from: number, to: number, share: number) => (to - from) * share + from,
} as const;

function checkMomentum(group: ScheduledGroup): void {
  if (group.betas !== undefined || group.momentum !== undefined) return;
  throw new OptionError(
    `${TYPE}: the optimizer has neither momentum nor betas. Give an optimizer that has, or cycleMomentum: false.`,
  );
}

const KIND: ScheduleKind<Settings> = {
  type: TYPE,
  check(settings, groups) {
    wholeNumber(TYPE, 'totalSteps', settings.totalSteps, 1);
    numberFrom0(TYPE, 'pctStart', settings.pctStart, 1);
    const { annealStrategy } = settings;
    if (!Object.hasOwn(ANNEAL, annealStrategy)) {
      throw new OptionError(`${TYPE}: annealStrategy must be "cos" or "linear", got ${annealStrategy}.`);
    }
    flag(TYPE, 'threePhase', settings.threePhase);
    flag(TYPE, 'cycleMomentum', settings.cycleMomentum);
    for (const name of ['initialLrs', 'maxLrs', 'minLrs', 'baseMomentums', 'maxMomentums'] as const) {
      checkPerGroup(TYPE, name, settings[name], groups);
    }
  },
  at(step, groups, settings) {
    const { phase, share } = placeOf(step, settings);
    const anneal = ANNEAL[settings.annealStrategy];
    const between = ([from, to]: readonly [Rates | Momentums, Rates | Momentums], i: number) =>
      anneal(settings[from][i]!, settings[to][i]!, share);
    return groups.map((group, i) => {
      const lr = between(phase.lr, i);
      if (!settings.cycleMomentum) return { lr };
      checkMomentum(group);
      return { lr, momentum: between(phase.momentum, i) };
    });
  },
};

/**
 * From `maxLr / divFactor` up to `maxLr` and down to nearly 0, in one cycle of `totalSteps` (L. Smith and N. Topin, 2018,
 * arXiv:1708.07120). The momentum, or the first of Adam's betas, goes the other way. Call `step` after each step of the
 * optimizer. Building it sets the first learning rate and momentum.
 */
export class OneCycleLR extends Schedule<Settings> {
  /** @throws OptionError, also of `step` beyond `totalSteps` */
  constructor(optimizer: Scheduled, options: OneCycleLROptions) {
    checkNames(TYPE, options, OPTIONS);
    const { pctStart = 0.3, annealStrategy = 'cos', cycleMomentum = true, threePhase = false } = options;
    const { baseMomentum = 0.85, maxMomentum = 0.95, divFactor = 25, finalDivFactor = 1e4 } = options;
    const { length } = scheduledGroups(optimizer);
    for (const [name, value] of Object.entries({ divFactor, finalDivFactor })) {
      if (numberFrom0(TYPE, name, value) === 0) throw new OptionError(`${TYPE}: ${name} must be above 0, got 0.`);
    }
    const maxLrs = perGroup('maxLr', options.maxLr, length);
    const initialLrs = maxLrs.map((rate) => rate / divFactor);
    super(KIND, optimizer, {
      totalSteps: stepsOf(options),
      pctStart,
      annealStrategy,
      threePhase,
      cycleMomentum,
      initialLrs,
      maxLrs,
      minLrs: initialLrs.map((rate) => rate / finalDivFactor),
      baseMomentums: perGroup('baseMomentum', baseMomentum, length, 1),
      maxMomentums: perGroup('maxMomentum', maxMomentum, length, 1),
    });
    setBaseRates(optimizer, initialLrs);
  }
}

function perGroup(name: string, value: number | readonly number[], groups: number, most?: number): number[] {
  if (!Array.isArray(value))
    return Array.from({ length: groups }, () => numberFrom0(TYPE, name, value as number, most));
  checkPerGroup(TYPE, name, value, groups);
  return [...value];
}

function stepsOf({ totalSteps, epochs, stepsPerEpoch }: OneCycleLROptions): number {
  if (totalSteps !== undefined) return totalSteps;
  if (epochs === undefined || stepsPerEpoch === undefined) {
    throw new OptionError(`${TYPE}: give totalSteps, or both epochs and stepsPerEpoch.`);
  }
  return wholeNumber(TYPE, 'epochs', epochs, 1) * wholeNumber(TYPE, 'stepsPerEpoch', stepsPerEpoch, 1);
}
