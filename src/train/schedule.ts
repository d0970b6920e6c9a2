/** The schedule of a run: what changes its learning rates after each epoch, and after each update of the weights. */
import { OptionError } from '../autograd/errors.ts';
import {
  CosineAnnealingLR,
  LinearWarmup,
  OneCycleLR,
  type SavedValues,
  type Schedule,
  type Scheduled,
  type ScheduledGroup,
  StepLR,
} from '../optim/index.ts';
import type { NumberSettings } from '../plan/index.ts';
import type { Recipe } from './recipe.ts';

/** The factor of the first update in a warm-up, as `lr_warmup_decay` in torchvision's reference training. */
const WARMUP_FROM = 0.01;

/** Learning rates of one update. */
export interface Rates {
  /** Of the last layer; of all layers if they share it. */
  readonly lr: number;
  /** Of the other layers, if they have one of their own. */
  readonly lrBackbone?: number;
}

/** An optimizer, of which the last group is the head's. */
export type Grouped = Scheduled & { readonly groups: readonly ScheduledGroup[] };

/**
 * As in torch, `step` and `cosine` change the rates after each epoch, `onecycle` and a warm-up after each update. A
 * warm-up works beside the other schedule: the rate is the product of both factors.
 */
export class RunSchedule {
  readonly #optimizer: Grouped;
  readonly #epochly: readonly Schedule[];
  readonly #stepwise: readonly Schedule[];
  #rates: Rates;

  /** @param updates of each epoch */
  constructor(optimizer: Grouped, { schedule }: Recipe, settings: NumberSettings, updates: number) {
    const { epochs, stepSize, gamma, warmup } = settings;
    const maxLr = optimizer.groups.map(({ lr }) => lr);
    this.#optimizer = optimizer;
    this.#epochly =
      schedule === 'step'
        ? [new StepLR(optimizer, { stepSize, gamma })]
        : schedule === 'cosine'
          ? [new CosineAnnealingLR(optimizer, { tMax: epochs })]
          : [];
    this.#stepwise = [
      ...(schedule === 'onecycle' ? [new OneCycleLR(optimizer, { maxLr, totalSteps: epochs * updates })] : []),
      ...(warmup > 0 ? [new LinearWarmup(optimizer, { startFactor: WARMUP_FROM, totalIters: warmup * updates })] : []),
    ];
    this.#rates = ratesOf(optimizer);
  }

  /** Those of the last update; before the first one, those that it will have. */
  get rates(): Rates {
    return this.#rates;
  }

  /** Call it after each update of the weights. */
  afterUpdate(): void {
    this.#rates = ratesOf(this.#optimizer);
    for (const one of this.#stepwise) one.step();
  }

  /** Call it at the end of each epoch's train phase. */
  afterEpoch(): void {
    for (const one of this.#epochly) one.step();
  }

  /** One schedule's own state, or a list of those of several. */
  stateDict(): SavedValues {
    const states = this.#all().map((one) => one.stateDict());
    return states.length === 1 ? states[0]! : { type: TYPE, schedules: states };
  }

  /** @throws OptionError for a state of other schedules */
  loadStateDict(state: SavedValues): void {
    const all = this.#all();
    const states = all.length === 1 ? [state] : state.type === TYPE ? state.schedules : undefined;
    if (!Array.isArray(states) || states.length !== all.length) {
      throw new OptionError(`${TYPE}: expected the states of ${all.length} schedules, got ${state.type}.`);
    }
    const before = all.map((one) => one.stateDict());
    try {
      for (const [i, one] of all.entries()) one.loadStateDict(Object(states[i]) as SavedValues);
    } catch (error) {
      for (const [i, one] of all.entries()) one.loadStateDict(before[i]!);
      throw error;
    }
  }

  #all(): readonly Schedule[] {
    return [...this.#epochly, ...this.#stepwise];
  }
}

const TYPE = 'Schedules';

function ratesOf({ groups }: Grouped): Rates {
  const { lr } = groups.at(-1)!;
  return groups.length > 1 ? { lr, lrBackbone: groups[0]!.lr } : { lr };
}
