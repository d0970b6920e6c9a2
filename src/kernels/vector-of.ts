/** Returns how many floats to load and store at once: the largest of 4, 2 and 1 that divides all the counts. */
export function vectorOf(...counts: readonly number[]): number {
  return [4, 2].find((floats) => counts.every((count) => count % floats === 0)) ?? 1;
}
