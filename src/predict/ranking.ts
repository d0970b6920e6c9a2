/** From a network's scores to probabilities, and the likeliest classes. */

/** One class and how likely a picture shows it. */
export interface ClassProbability {
  readonly name: string;
  /** The class's place among the network's outputs, from 0. Unlike names, places are never the same for two classes. */
  readonly index: number;
  /** From 0 to 1; those of all classes add up to 1. */
  readonly probability: number;
}

/** At least one class, the likeliest first. */
export type Ranking = readonly [ClassProbability, ...ClassProbability[]];

/** The probabilities of scores (logits), in double. Shifted by the largest score, so that no exponential overflows. */
export function softmax(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores);
  const largest = values.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const exponentials = values.map((score) => Math.exp(score - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/**
 * The `count` likeliest classes, or all where there are fewer; of equally likely ones the first comes first.
 * @param scores logits, one per name
 * @param count at least 1
 */
export function likeliest(scores: ArrayLike<number>, names: readonly string[], count: number): Ranking {
  const probabilities = softmax(scores);
  // By score: far below the largest, different scores have the same probability, which is 0.
  const order = Array.from(names, (_, index) => index).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const ranking = order.slice(0, count).map((index) => ({
    name: names[index]!,
    index,
    probability: probabilities[index]!,
  }));
  return ranking as [ClassProbability, ...ClassProbability[]];
}
