/**
 * Checks the options of ops, modules and optimizers. Each error names the owner and the option, what was expected and
 * what was found.
 */
import { OptionError } from './errors.ts';

/** [height, width] */
export type HeightWidth = readonly [height: number, width: number];
/** One number for both directions, or [height, width]. */
export type Pair = number | HeightWidth;

/** Far beyond any image. Up to this value, the offsets that kernels compute from a stride or a padding fit 32 bits. */
const MOST_PIXELS = 2 ** 24;
const LARGEST_F32 = (2 - 2 ** -23) * 2 ** 127;

/** A value as an error message shows it. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

const isWhole = (value: unknown, least: number): value is number =>
  Number.isSafeInteger(value) && Number(value) >= least;

/** Returns the option. @throws OptionError unless it is a whole number of at least `least`, and at most `most` */
export function wholeNumber(owner: string, name: string, value: number, least: number, most?: number): number {
  if (isWhole(value, least) && value <= (most ?? value)) return value;
  const range = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new OptionError(`${owner}: ${name} must be a whole number ${range}, got ${shown(value)}.`);
}

/**
 * Returns [height, width] of an option in pixels. @throws OptionError unless both are whole numbers of at least `least`
 */
export function pairOf(owner: string, name: string, value: Pair, least: number): HeightWidth {
  const both: readonly unknown[] = Array.isArray(value) ? value : [value, value];
  const [height, width] = both;
  const whole = both.length === 2 && isWhole(height, least) && isWhole(width, least);
  if (whole && height <= MOST_PIXELS && width <= MOST_PIXELS) return [height, width];
  const bound = whole ? `at most ${MOST_PIXELS}` : `at least ${least}`;
  throw new OptionError(
    `${owner}: ${name} must be a whole number of ${bound}, or [height, width] of such numbers, got ${shown(value)}.`,
  );
}

/** Returns the option. @throws OptionError unless it is a number from 0 to `most`, by default the largest of float32 */
export function numberFrom0(owner: string, name: string, value: number, most = LARGEST_F32): number {
  if (typeof value === 'number' && value >= 0 && value <= most) return value;
  const range = most === LARGEST_F32 ? 'a finite number of at least 0' : `a number from 0 to ${most}`;
  throw new OptionError(`${owner}: ${name} must be ${range}, got ${shown(value)}.`);
}

/** Returns the option. @throws OptionError unless it is true or false */
export function flag(owner: string, name: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value;
  throw new OptionError(`${owner}: ${name} must be true or false, got ${shown(value)}.`);
}

/** Returns the choice of that name. @throws OptionError unless the value is one of the names */
export function oneOf<Choice>(
  owner: string,
  name: string,
  value: string,
  choices: Readonly<Record<string, Choice>>,
): Choice {
  if (Object.hasOwn(choices, value)) return choices[value]!;
  throw new OptionError(`${owner}: ${name} must be ${Object.keys(choices).join(' or ')}, got ${shown(value)}.`);
}

/**
 * Rejects options that would be ignored.
 * @param known every existing option
 * @throws OptionError if `options` is no object, or contains an unknown option
 */
export function checkNames<Options extends object>(
  owner: string,
  options: Options,
  known: Readonly<Record<keyof Options, true>>,
): void {
  const names = Object.keys(known);
  if (typeof options !== 'object' || options === null) {
    throw new OptionError(`${owner}: options must be an object with ${names.join(', ')}, got ${shown(options)}.`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || names.includes(name)) continue;
    throw new OptionError(
      `${owner}: option ${name} is not implemented. Leave it out; the options are ${names.join(', ')}.`,
    );
  }
}
