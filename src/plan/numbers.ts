/** The numeric options of a run: their defaults and ranges. */
import { availableParallelism } from 'node:os';
import { UsageError } from '../errors.ts';
import { CROP_RANGE, IMAGENET_INPUT } from '../input-spec.ts';

interface NumberRule {
  readonly default: number;
  readonly whole: boolean;
  readonly least: number;
  readonly most: number;
  /** Whether files leave it out at its default, so that they stay as they were before there was this option. */
  readonly quiet?: true;
}

const whole = (value: number, least: number, most = Number.MAX_SAFE_INTEGER): NumberRule => ({
  default: value,
  whole: true,
  least,
  most,
});
const real = (value: number): NumberRule => ({ default: value, whole: false, least: 0, most: Number.MAX_VALUE });
const quiet = (rule: NumberRule): NumberRule => ({ ...rule, quiet: true });

/** The numeric options. The command line takes its defaults and checks from here too. */
export const NUMBER_OPTIONS = {
  epochs: whole(25, 1),
  batchSize: whole(4, 1),
  lr: real(0.001),
  momentum: real(0.9),
  weightDecay: real(0),
  stepSize: whole(7, 1),
  gamma: real(0.1),
  seed: whole(0, 0),
  // Each is a generator of random numbers, of 2.5 kB.
  workers: whole(4, 0, 4096),
  // A thread takes some 7 MB, and one feeds a fast GPU with small pictures.
  threads: whole(Math.min(4, availableParallelism()), 0, 128),
  imageSize: whole(IMAGENET_INPUT.crop, CROP_RANGE.least, CROP_RANGE.most),
  // Pillow's limit, above which it takes a file for an attack (MAX_PIXELS of data/).
  maxPixels: whole(178_956_970, 1),
  saveEvery: whole(0, 0),
  patience: whole(0, 0),
  minEpochs: whole(0, 0),
  // Seconds. A timer can wait for 2^31 milliseconds.
  watchdog: whole(600, 0, 2_000_000),
  freezeEpochs: quiet(whole(0, 0)),
  // Its default is the value of `lr`.
  lrBackbone: quiet(real(0.001)),
  warmup: quiet(whole(0, 0)),
  gradClip: quiet(real(0)),
  accumulate: quiet(whole(1, 1)),
} satisfies Record<string, NumberRule>;

/** Name of a numeric option. */
export type NumberOption = keyof typeof NUMBER_OPTIONS;
/** Values of all numeric options. */
export type NumberSettings = Readonly<Record<NumberOption, number>>;

/** Whether files have a value for this option only where it is not the default. */
export function isQuiet(option: NumberOption): boolean {
  const rule: NumberRule = NUMBER_OPTIONS[option];
  return rule.quiet ?? false;
}

/** Whether this option accepts the value. */
export function isNumberOption(option: NumberOption, value: number): boolean {
  const { whole, least, most } = NUMBER_OPTIONS[option];
  return (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) && value >= least && value <= most;
}

/**
 * Returns the value if this option accepts it.
 * @param shownAs the option's name in the error: `lr`, or `--lr` on the command line
 * @throws UsageError
 */
export function checkNumber(option: NumberOption, value: number, shownAs: string = option): number {
  if (isNumberOption(option, value)) return value;
  const { whole, least, most } = NUMBER_OPTIONS[option];
  const isBounded = most < Number.MAX_SAFE_INTEGER;
  const range = isBounded ? `from ${least} to ${most}` : `of at least ${least}`;
  throw new UsageError(`${shownAs}: expected a ${whole ? 'whole ' : ''}number ${range}, found ${value}`);
}

/** All numeric options, with defaults for those not given. @throws UsageError */
export function numberSettings(options: Partial<Record<NumberOption, number | undefined>>): NumberSettings {
  const names = Object.keys(NUMBER_OPTIONS) as NumberOption[];
  return Object.fromEntries(
    names.map((name) => {
      const { [name]: value = defaultOf(name, options) } = options;
      return [name, checkNumber(name, value)];
    }),
  ) as Record<NumberOption, number>;
}

/** The settings that files hold: without the quiet ones that have their defaults. */
export function writtenNumbers<Settings extends object>(settings: Settings): Partial<Settings> {
  const numbers: Partial<NumberSettings> = settings;
  const isWritten = (name: string, value: unknown) =>
    !isNumberName(name) || !isQuiet(name) || value !== defaultOf(name, numbers);
  return Object.fromEntries(
    Object.entries(settings).filter(([name, value]) => isWritten(name, value)),
  ) as Partial<Settings>;
}

function isNumberName(name: string): name is NumberOption {
  return Object.hasOwn(NUMBER_OPTIONS, name);
}

function defaultOf(name: NumberOption, { lr }: Partial<Record<NumberOption, number | undefined>>): number {
  return name === 'lrBackbone' && lr !== undefined ? lr : NUMBER_OPTIONS[name].default;
}
