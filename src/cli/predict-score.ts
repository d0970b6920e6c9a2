/** Scores predictions where folders tell the truth: `photos/ants/1.jpg` shows ants if the network knows such a class. */
import { wilsonInterval } from '../judge/index.ts';
import { nameKey, type Prediction } from '../predict/index.ts';
import type { Input } from './predict-inputs.ts';

/** How many predictions of pictures with a known class are right. */
export interface Score {
  /** Share of them, 0 to 1. */
  readonly accuracy: number;
  /** Wilson's, of 95 %. */
  readonly interval: readonly [number, number];
  readonly right: number;
  readonly count: number;
}

export class PredictScore {
  readonly #truths: ReadonlyMap<Input, number>;
  #right = 0;
  #count = 0;

  /** @param classes of the network, in the order of its outputs */
  constructor(inputs: readonly Input[], classes: readonly string[]) {
    this.#truths = truthsOf(inputs, classes);
  }

  see(input: Input, { top }: Prediction): void {
    const truth = this.#truths.get(input);
    if (truth === undefined) return;
    this.#count++;
    if (top[0].index === truth) this.#right++;
  }

  /** Undefined if no picture has a known class. */
  get score(): Score | undefined {
    const [right, count] = [this.#right, this.#count];
    if (count === 0) return undefined;
    return { accuracy: right / count, interval: wilsonInterval(right, count), right, count };
  }
}

/**
 * The classes of the pictures in labelled folders: all pictures of such a folder lie in subfolders, and each subfolder
 * has the name of one of the network's classes.
 */
export function truthsOf(inputs: readonly Input[], classes: readonly string[]): ReadonlyMap<Input, number> {
  const labels = new Map(classes.map((name, label) => [nameKey(name), label]));
  const truths = new Map<Input, number>();
  // Names that two classes share tell nothing.
  if (labels.size < classes.length) return truths;
  for (const folder of new Set(inputs.map((input) => input.folder))) {
    if (folder === undefined) continue;
    const inside = inputs.filter((input) => input.folder === folder);
    const found = inside.map(({ place }) => {
      const [first, ...rest] = place.split(/[/\\]/);
      return rest.length > 0 ? labels.get(nameKey(first!)) : undefined;
    });
    if (found.includes(undefined)) continue;
    inside.forEach((input, i) => {
      truths.set(input, found[i]!);
    });
  }
  return truths;
}
