/** Whether answers of 80 % are right in 80 % of the cases. */
import type { CalibrationBin } from './types.ts';

const BINS = 15;

/** One answer: how probable, and whether right. */
export interface Confident {
  readonly probability: number;
  readonly right: boolean;
}

/** The answers by their probability, in `BINS` bins (m/15, (m+1)/15], as in Guo et al. 2017. */
export function calibrationOf(answers: readonly Confident[]): CalibrationBin[] {
  return Array.from({ length: BINS }, (_, m) => {
    const [from, to] = [m / BINS, (m + 1) / BINS];
    const inside = answers.filter(({ probability }) => probability > from && probability <= to);
    const count = inside.length;
    const confidence = inside.reduce((sum, { probability }) => sum + probability, 0);
    const right = inside.filter((answer) => answer.right).length;
    return { from, to, count, confidence: ratio(confidence, count), accuracy: ratio(right, count) };
  });
}

/** The mean of |accuracy − confidence| over the bins, weighted by their pictures; 0 without any. */
export function calibrationError(bins: readonly CalibrationBin[]): number {
  const count = bins.reduce((sum, bin) => sum + bin.count, 0);
  return ratio(
    bins.reduce((sum, bin) => sum + bin.count * Math.abs(bin.accuracy - bin.confidence), 0),
    count,
  );
}

/** A quotient; 0 if there is nothing to divide by. */
export function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}
