/** Compares arrays of values with a tolerance. State the reason for a tolerance beside the comparison. */

export interface Tolerance {
  /** Absolute part of the allowed difference. */
  readonly atol: number;
  /** Part of the allowed difference, relative to the expected value. */
  readonly rtol: number;
}

/** Equal bits, or both zero, or both NaN. */
export const EXACT: Tolerance = { atol: 0, rtol: 0 };

/** Describes the largest difference of two arrays. Undefined if all is within |a − e| ≤ atol + rtol · |e|. */
export function findDifference(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol, rtol }: Tolerance,
): string | undefined {
  if (actual.length !== expected.length) return `has ${actual.length} values, expected ${expected.length}`;
  let worst = { excess: 0, index: -1 };
  let count = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const excess = Math.abs(a - e) - (atol + rtol * Math.abs(e));
    // A difference that is NaN or infinite is too large in any case.
    if (excess <= 0) continue;
    count++;
    const size = Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
    if (size > worst.excess) worst = { excess: size, index: i };
  }
  if (worst.index < 0) return undefined;
  const { index } = worst;
  return (
    `differs in ${count} of ${expected.length} values, most at ${index}: ${actual[index]}, expected ` +
    `${expected[index]} (atol ${atol}, rtol ${rtol})`
  );
}

/** Throws if the arrays differ by more than the tolerance. */
export function expectClose(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
): void {
  const difference = findDifference(actual, expected, tolerance);
  if (difference) throw new Error(`${name} ${difference}`);
}
