/**
 * The phases of an input gradient. Of a convolution with a stride s, the input pixels of each phase (row mod s, column mod s)
 * are reached by the same taps, every s-th of them: so their gradient is a convolution of the output gradient with these.
 */
import type { Conv2dShape } from './conv2d-shape.ts';

/** Taps of one axis that reach the input positions ≡ phase (mod stride), last first, and where the first one reads. */
export function phaseTaps(phase: number, kernel: number, stride: number, padding: number) {
  let first = kernel - 1;
  while (first >= 0 && (phase + padding - first) % stride !== 0) first--;
  const count = first < 0 ? 0 : Math.floor(first / stride) + 1;
  return { first: Math.max(first, 0), count, origin: count ? (phase + padding - first) / stride : 0 };
}

/** One phase of an input gradient: the taps of each axis that reach its pixels; `count` is 0 on both where one has none. */
export interface InputGradPhase {
  readonly row: number;
  readonly column: number;
  readonly rows: ReturnType<typeof phaseTaps>;
  readonly columns: ReturnType<typeof phaseTaps>;
}

/** The phases of an input gradient, without those that have no pixel. */
export function inputGradPhases(s: Conv2dShape): InputGradPhase[] {
  const phases: InputGradPhase[] = [];
  for (let row = 0; row < Math.min(s.strideHeight, s.inHeight); row++) {
    for (let column = 0; column < Math.min(s.strideWidth, s.inWidth); column++) {
      const rows = phaseTaps(row, s.kernelHeight, s.strideHeight, s.paddingHeight);
      const columns = phaseTaps(column, s.kernelWidth, s.strideWidth, s.paddingWidth);
      const reached = rows.count > 0 && columns.count > 0;
      const of = (taps: typeof rows) => (reached ? taps : { first: 0, count: 0, origin: 0 });
      phases.push({ row, column, rows: of(rows), columns: of(columns) });
    }
  }
  return phases;
}
