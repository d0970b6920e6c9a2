/** Scores of a network as probabilities. */

/** Softmax of scores (logits), in double. It subtracts the largest score so that no exponential overflows. */
export function softmax(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores);
  const largest = values.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const exponentials = values.map((score) => Math.exp(score - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}
