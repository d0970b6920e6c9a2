/** How far a share that was measured on a sample may be from the true one. */
import type { Interval } from './types.ts';

/** The quantile of the normal distribution that leaves 2.5 % above it. */
const Z = 1.959963984540054;

/**
 * Wilson's score interval of 95 % for a share (Wilson 1927). It stays within 0 and 1, and is right for few pictures and
 * for shares near 0 and 1 too, where the usual ± 1.96 σ is not.
 * @param right of `count`; without any, nothing is known: [0, 1]
 */
export function wilsonInterval(right: number, count: number): Interval {
  if (count === 0) return [0, 1];
  const share = right / count;
  const weight = Z ** 2 / count;
  const middle = (share + weight / 2) / (1 + weight);
  const reach = (Z / (1 + weight)) * Math.sqrt((share * (1 - share)) / count + weight / (4 * count));
  return [right === 0 ? 0 : middle - reach, right === count ? 1 : middle + reach];
}

/** Half the width of an interval: the `x` of "± x". */
export function reachOf([low, high]: Interval): number {
  return (high - low) / 2;
}
