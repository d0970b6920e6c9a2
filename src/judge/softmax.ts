/** Scores of a network as probabilities. */

/** Softmax of scores (logits), in double. It subtracts the largest score so that no exponential overflows. */
export function softmax(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores);
  const largest = largestOf(values);
  const exponentials = values.map((score) => Math.exp(score - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** The negative logarithm of the softmax of one score, in double; also where that rounds to 0. */
export function crossEntropyOf(scores: ArrayLike<number>, truth: number): number {
  const values = Float64Array.from(scores);
  const largest = largestOf(values);
  const sum = values.reduce((total, score) => total + Math.exp(score - largest), 0);
  return Math.log(sum) + largest - values[truth]!;
}

function largestOf(values: Float64Array): number {
  return values.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
}
