/** The options of a run that are numbers: their defaults and what they may be. */
import { availableParallelism } from 'node:os';
import { UsageError } from '../errors.ts';

interface NumberRule {
  readonly default: number;
  readonly whole: boolean;
  readonly least: number;
}

const whole = (value: number, least: number): NumberRule => ({ default: value, whole: true, least });
const real = (value: number): NumberRule => ({ default: value, whole: false, least: 0 });

/** The options that are numbers. The command line takes its defaults and checks from here too. */
export const NUMBER_OPTIONS = {
  epochs: whole(25, 1),
  batchSize: whole(4, 1),
  lr: real(0.001),
  momentum: real(0.9),
  weightDecay: real(0),
  stepSize: whole(7, 1),
  gamma: real(0.1),
  seed: whole(0, 0),
  workers: whole(4, 0),
  threads: whole(Math.min(4, availableParallelism()), 0),
  // Halved five times on its way through the network.
  imageSize: whole(224, 32),
} satisfies Record<string, NumberRule>;

/** Name of an option that is a number. */
export type NumberOption = keyof typeof NUMBER_OPTIONS;
/** All of them. */
export type NumberSettings = Readonly<Record<NumberOption, number>>;

/**
 * The value itself if it is one that this option takes.
 * @param shownAs how the error names the option: `lr`, or `--lr` on the command line
 * @throws UsageError
 */
export function checkNumber(option: NumberOption, value: number, shownAs: string = option): number {
  const { whole, least } = NUMBER_OPTIONS[option];
  const good = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (good && value >= least) return value;
  throw new UsageError(`${shownAs}: expected a ${whole ? 'whole ' : ''}number of at least ${least}, found ${value}`);
}

/** All numbers, those that were not given by default. @throws UsageError */
export function numberSettings(options: Partial<Record<NumberOption, number | undefined>>): NumberSettings {
  const names = Object.keys(NUMBER_OPTIONS) as NumberOption[];
  return Object.fromEntries(
    names.map((name) => [name, checkNumber(name, options[name] ?? NUMBER_OPTIONS[name].default)]),
  ) as Record<NumberOption, number>;
}
