/** Converts a network's scores to probabilities and finds the likeliest classes. */
import { softmax } from '../judge/index.ts';

/** One class and the probability that a picture shows it. */
export interface ClassProbability {
  readonly name: string;
  /** Index of the class among the network's outputs, from 0. Two classes may share a name, never an index. */
  readonly index: number;
  /** From 0 to 1; the probabilities of all classes sum to 1. */
  readonly probability: number;
}

/** At least one class, in falling order of probability. */
export type Ranking = readonly [ClassProbability, ...ClassProbability[]];

/**
 * Returns the `count` likeliest classes, or all if there are fewer. Among equals the lower index comes first.
 * @param scores logits, one per name
 * @param count at least 1
 */
export function likeliest(scores: ArrayLike<number>, names: readonly string[], count: number): Ranking {
  const probabilities = softmax(scores);
  // Sort by score: far below the largest, different scores all have probability 0.
  const order = Array.from(names, (_, index) => index).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const ranking = order.slice(0, count).map((index) => ({
    name: names[index]!,
    index,
    probability: probabilities[index]!,
  }));
  return ranking as [ClassProbability, ...ClassProbability[]];
}
