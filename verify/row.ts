/** A row of verify: a named check that prints its figures, the bars, and whether the bars hold. */

export interface Outcome {
  /** The measured quantity, for example `loss, relative difference`. */
  readonly what: string;
  /** The figure, with its unit. */
  readonly figure: string;
  /** The bar, in the same unit. */
  readonly bar: string;
  readonly holds: boolean;
}

export interface Context {
  /** Folder with `train/` and `val/`. */
  readonly data: string;
  /** ImageNet weights of ResNet-18. */
  readonly weights: string;
  /** Folder with PyTorch's own runs (`finetune-seed0.jsonl`, …), if there is one. */
  readonly reference: string | undefined;
  /** A Python that imports torch and torchvision. */
  readonly python: string;
  /** Where rows that look at pages leave their pictures; undefined: nowhere. */
  readonly screenshots: string | undefined;
  /** The only network that rows about all of them look at; undefined: all. */
  readonly net: string | undefined;
  /** The only seed that rows of whole runs train with; undefined: all. */
  readonly seed: number | undefined;
  /** Whether this is `--ci`, where a row may do less. */
  readonly ci: boolean;
  /** An empty folder, removed at the end. */
  readonly scratch: string;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  /** Approximate duration on two cores with the software adapter. */
  readonly minutes: number;
  /** Whether CI runs it. */
  readonly ci: boolean;
  /** Whether it runs without data, weights and PyTorch. */
  readonly alone?: boolean;
  readonly run: (context: Context) => Promise<Outcome[]>;
}

/** A row, or a part of it, cannot be checked here: it is skipped with a message, or fails if DAWNGRAD_NO_SKIP is 1. */
export class Skipped extends Error {
  override name = 'Skipped';
  /** Outcomes of the checked part. */
  readonly outcomes: readonly Outcome[];

  constructor(reason: string, outcomes: readonly Outcome[] = []) {
    super(reason);
    this.outcomes = outcomes;
  }
}

export function atMost(what: string, value: number, bar: number, format: (value: number) => string): Outcome {
  return { what, figure: format(value), bar: `at most ${format(bar)}`, holds: value <= bar };
}

export function atLeast(what: string, value: number, bar: number, format: (value: number) => string): Outcome {
  return { what, figure: format(value), bar: `at least ${format(bar)}`, holds: value >= bar };
}

/** An outcome that holds if all of at least one are right. */
export function all(what: string, right: number, of: number): Outcome {
  return { what, figure: `${right} of ${of}`, bar: 'all', holds: right === of && of > 0 };
}

/** An outcome without a figure. */
export function either(what: string, holds: boolean, right: string, wrong: string): Outcome {
  return { what, figure: holds ? right : wrong, bar: right, holds };
}

export const scientific = (value: number) => value.toExponential(2);
export const times = (value: number) => `${value.toFixed(2)} times`;
export const seconds = (value: number) => `${value.toFixed(1)} s`;
export const fourDigits = (value: number) => value.toFixed(4);
export const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
