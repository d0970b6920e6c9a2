/** A row of a table of promises: a named check that prints what it measured, the bar, and whether the bar holds. */

export interface Outcome {
  /** What was measured, for instance `loss, relative difference`. */
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
  /** Folder with PyTorch's own runs (`finetune-seed0.jsonl`, …), where there is one. */
  readonly reference: string | undefined;
  /** A Python that imports torch and torchvision. */
  readonly python: string;
  /** Whether this is `--ci`: a row that can do with less may. */
  readonly ci: boolean;
  /** An empty folder, removed at the end. */
  readonly scratch: string;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  /** About how long it takes on two cores with the software adapter. */
  readonly minutes: number;
  /** Whether CI runs it. */
  readonly ci: boolean;
  /** Whether it needs neither data nor weights nor PyTorch: then it runs without them too. */
  readonly alone?: boolean;
  readonly run: (context: Context) => Promise<Outcome[]>;
}

/** A row cannot be checked here, or not all of it. It skips, loudly; where DAWNGRAD_NO_SKIP is 1, it fails. */
export class Skipped extends Error {
  override name = 'Skipped';
  /** Outcomes of the part that could be checked. */
  readonly outcomes: readonly Outcome[];

  constructor(reason: string, outcomes: readonly Outcome[] = []) {
    super(reason);
    this.outcomes = outcomes;
  }
}

/** An outcome that holds where the value is at most the bar. */
export function atMost(what: string, value: number, bar: number, format: (value: number) => string): Outcome {
  return { what, figure: format(value), bar: `at most ${format(bar)}`, holds: value <= bar };
}

export const scientific = (value: number) => value.toExponential(2);
export const times = (value: number) => `${value.toFixed(2)} times`;
