/** Statistics for benchmarks. Times on a shared machine have a long tail, hence medians and quartiles. */

/** The value below which a share `q` (0 … 1) of the values lies, interpolated between neighbours. @throws RangeError */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('A quantile needs at least one value, got none.');
  if (!(q >= 0 && q <= 1)) throw new RangeError(`A quantile is taken at 0 to 1, got ${q}.`);
  const sorted = [...values].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
