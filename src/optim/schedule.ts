/** What all schedules share: the count of epochs, the learning rates of the groups, and a saved state. */
import { OptionError } from '../autograd/errors.ts';
import { numberFrom0, wholeNumber } from '../autograd/options.ts';
import { expectType, type SavedValue, type SavedValues } from './saved-values.ts';

/** The settings of a group that schedules change. */
export interface ScheduledGroup {
  lr: number;
  momentum?: number;
  betas?: readonly [number, number];
}

/** What a schedule is for: an optimizer with groups, or anything with one learning rate. */
export interface Scheduled extends ScheduledGroup {
  readonly groups?: readonly ScheduledGroup[];
}

/** New settings of a group. */
export interface ScheduledChange {
  readonly lr: number;
  /** Momentum, or the first of the betas. */
  readonly momentum?: number;
}

/** A kind of schedule, as data. Its settings are plain values, which are saved. */
export interface ScheduleKind<Settings extends object> {
  /** Its name in errors and in saved states. */
  readonly type: string;
  /** @throws OptionError for settings that are invalid for so many groups */
  check(settings: Settings, groups: number): void;
  /**
   * The settings of each group when `epoch` epochs are finished; 0 is the start. `before` are those of the last epoch.
   * @throws OptionError
   */
  at(epoch: number, before: readonly ScheduledGroup[], settings: Settings): readonly ScheduledChange[];
}

/** The learning rate of each group before its first schedule. Those of one optimizer share it, as in torch. */
const firstRates = new WeakMap<ScheduledGroup, number>();

/** The groups of what is scheduled. */
export function scheduledGroups(optimizer: Scheduled): readonly ScheduledGroup[] {
  return optimizer.groups ?? [optimizer];
}

/** The learning rate of each group before its first schedule. */
export function baseRates(optimizer: Scheduled): readonly number[] {
  return scheduledGroups(optimizer).map((group) => {
    const rate = firstRates.get(group) ?? group.lr;
    firstRates.set(group, rate);
    return rate;
  });
}

/** Makes these the base rates, also of later schedules. */
export function setBaseRates(optimizer: Scheduled, rates: readonly number[]): void {
  for (const [i, group] of scheduledGroups(optimizer).entries()) firstRates.set(group, rates[i]!);
}

/**
 * Changes the learning rates of an optimizer's groups from epoch to epoch. Several schedules of one optimizer work in
 * turn. An epoch is what lies between two calls of `step`; it may be a single step of the optimizer. A group's first
 * learning rate is that before the optimizer's first schedule, as torch's `initial_lr`.
 *
 * To go on from a saved state, build the schedule before the optimizer's state is loaded: some change the learning rate
 * when they are built.
 */
export abstract class Schedule<Settings extends object = object> {
  readonly #kind: ScheduleKind<Settings>;
  readonly #optimizer: Scheduled;
  #settings: Settings;
  #epoch = 0;

  protected constructor(kind: ScheduleKind<Settings>, optimizer: Scheduled, settings: Settings) {
    this.#kind = kind;
    this.#optimizer = optimizer;
    baseRates(optimizer);
    this.#settings = this.#checked(settings);
    this.#apply(0);
  }

  /** Number of finished epochs. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Everything but the learning rates (and momentums), which are the optimizer's. */
  stateDict(): SavedValues {
    return { type: this.#kind.type, epoch: this.#epoch, ...(this.#settings as Record<string, SavedValue>) };
  }

  /** Goes on from a state of `stateDict`; as in torch, its settings replace these. @throws OptionError */
  loadStateDict(state: SavedValues): void {
    const { type } = this.#kind;
    expectType(type, state);
    const epoch = wholeNumber(type, 'epoch', state.epoch as number, 0);
    const names = Object.keys(this.#settings);
    this.#settings = this.#checked(Object.fromEntries(names.map((name) => [name, state[name]])) as Settings);
    this.#epoch = epoch;
  }

  /** Call it at the end of each epoch. @throws OptionError where the schedule ends; then nothing was changed */
  step(): void {
    this.#apply(this.#epoch + 1);
    this.#epoch++;
  }

  /** The settings as they are saved. */
  protected get settings(): Readonly<Settings> {
    return this.#settings;
  }

  /** @throws OptionError */
  protected set settings(settings: Settings) {
    this.#settings = this.#checked(settings);
  }

  #checked(settings: Settings): Settings {
    this.#kind.check(settings, scheduledGroups(this.#optimizer).length);
    return settings;
  }

  #apply(epoch: number): void {
    const groups = scheduledGroups(this.#optimizer);
    const changes = this.#kind.at(epoch, groups, this.#settings);
    for (const [i, group] of groups.entries()) {
      const { lr, momentum } = changes[i]!;
      group.lr = lr;
      if (momentum === undefined) continue;
      if (group.betas) group.betas = [momentum, group.betas[1]];
      else group.momentum = momentum;
    }
  }
}

/** Each group's learning rate times a factor. */
export function scaled(groups: readonly ScheduledGroup[], factor: number): ScheduledChange[] {
  return groups.map(({ lr }) => ({ lr: lr * factor }));
}

/** @throws OptionError unless it is a list with a number from 0 for each group */
export function checkPerGroup(owner: string, name: string, values: readonly number[], groups: number): void {
  if (!Array.isArray(values) || values.length !== groups) {
    const found = Array.isArray(values) ? `${values.length} values` : String(values);
    throw new OptionError(`${owner}: ${name} must be a list with a number for each of ${groups} groups, got ${found}.`);
  }
  for (const [i, value] of values.entries()) numberFrom0(owner, `${name}[${i}]`, value);
}
