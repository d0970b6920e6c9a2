/** How many floats are loaded and stored at once: the most of 4, 2 and 1 that divide all of some counts. */
export function vectorOf(...counts: readonly number[]): number {
  return [4, 2].find((floats) => counts.every((count) => count % floats === 0)) ?? 1;
}
