/**
 * Expresses the forward pass and the input gradient as jobs of the same kernels: where each job reads and writes.
 *
 * Phases of an input gradient: with stride s, all input pixels of a phase (row mod s, column mod s) are reached by the
 * same taps, every s-th one. So the phase's gradient is a convolution of the output gradient with those taps. With
 * dilation d too, these are every (s / g)-th tap, and read every (d / g)-th output, where g divides both s and d.
 */
import type { Conv2dShape } from './shape.ts';

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

/**
 * Along one axis of an input gradient: how many taps of the kernel apart the taps of a phase are, and how many outputs
 * apart they read.
 */
export function phaseSteps(stride: number, dilation = 1) {
  const common = commonDivisor(stride, dilation);
  return { taps: stride / common, outputs: dilation / common };
}

/** Returns the taps of one axis that reach positions ≡ phase (mod stride), last first, and where the first reads. */
export function phaseTaps(phase: number, kernel: number, stride: number, padding: number, dilation = 1) {
  let first = kernel - 1;
  while (first >= 0 && (phase + padding - first * dilation) % stride !== 0) first--;
  const count = first < 0 ? 0 : Math.floor(first / phaseSteps(stride, dilation).taps) + 1;
  return { first: Math.max(first, 0), count, origin: count ? (phase + padding - first * dilation) / stride : 0 };
}

/** One phase of an input gradient: the taps that reach its pixels. If one axis has none, `count` is 0 on both. */
export interface InputGradPhase {
  readonly row: number;
  readonly column: number;
  readonly rows: ReturnType<typeof phaseTaps>;
  readonly columns: ReturnType<typeof phaseTaps>;
}

/** Returns the phases of an input gradient, without those that have no pixel. */
export function inputGradPhases(s: Conv2dShape): InputGradPhase[] {
  const phases: InputGradPhase[] = [];
  for (let row = 0; row < Math.min(s.strideHeight, s.inHeight); row++) {
    for (let column = 0; column < Math.min(s.strideWidth, s.inWidth); column++) {
      const rows = phaseTaps(row, s.kernelHeight, s.strideHeight, s.paddingHeight, s.dilationHeight);
      const columns = phaseTaps(column, s.kernelWidth, s.strideWidth, s.paddingWidth, s.dilationWidth);
      const reached = rows.count > 0 && columns.count > 0;
      const of = (taps: typeof rows) => (reached ? taps : { first: 0, count: 0, origin: 0 });
      phases.push({ row, column, rows: of(rows), columns: of(columns) });
    }
  }
  return phases;
}

/** The geometry of one job: a convolution with stride, or one phase of an input gradient. */
export interface JobGeometry {
  readonly batch: number;
  readonly groups: number;
  /** Channels of a group that are summed over. */
  readonly channels: number;
  readonly inHeight: number;
  readonly inWidth: number;
  /** Channels of a group's result. */
  readonly resultChannels: number;
  /** Pixels of the result that the job computes. */
  readonly gridHeight: number;
  readonly gridWidth: number;
  readonly tapRows: number;
  readonly tapColumns: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  /** Input pixels from one tap to the next. */
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  /** Input position that tap (0, 0) of pixel (0, 0) reads; negative in the padding. */
  readonly originRow: number;
  readonly originColumn: number;
  /** Pixel (row, column) of the grid is written to row · outStepHeight + outOffsetHeight, likewise columns. */
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outStepHeight: number;
  readonly outStepWidth: number;
  readonly outOffsetHeight: number;
  readonly outOffsetWidth: number;
}

/** Returns the one job of the forward pass. */
export function forwardGeometry(s: Conv2dShape): JobGeometry {
  const { groups = 1, dilationHeight = 1, dilationWidth = 1 } = s;
  return {
    batch: s.batch,
    groups,
    channels: s.inChannels / groups,
    inHeight: s.inHeight,
    inWidth: s.inWidth,
    resultChannels: s.outChannels / groups,
    gridHeight: s.outHeight,
    gridWidth: s.outWidth,
    tapRows: s.kernelHeight,
    tapColumns: s.kernelWidth,
    strideHeight: s.strideHeight,
    strideWidth: s.strideWidth,
    dilationHeight,
    dilationWidth,
    originRow: -s.paddingHeight,
    originColumn: -s.paddingWidth,
    outHeight: s.outHeight,
    outWidth: s.outWidth,
    outStepHeight: 1,
    outStepWidth: 1,
    outOffsetHeight: 0,
    outOffsetWidth: 0,
  };
}

/** Returns the job of one phase of the input gradient. */
export function inputGradGeometry(s: Conv2dShape, { row, column, rows, columns }: InputGradPhase): JobGeometry {
  const { groups = 1 } = s;
  return {
    batch: s.batch,
    groups,
    channels: s.outChannels / groups,
    inHeight: s.outHeight,
    inWidth: s.outWidth,
    resultChannels: s.inChannels / groups,
    gridHeight: Math.ceil((s.inHeight - row) / s.strideHeight),
    gridWidth: Math.ceil((s.inWidth - column) / s.strideWidth),
    tapRows: rows.count,
    tapColumns: columns.count,
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: phaseSteps(s.strideHeight, s.dilationHeight).outputs,
    dilationWidth: phaseSteps(s.strideWidth, s.dilationWidth).outputs,
    originRow: rows.origin,
    originColumn: columns.origin,
    outHeight: s.inHeight,
    outWidth: s.inWidth,
    outStepHeight: s.strideHeight,
    outStepWidth: s.strideWidth,
    outOffsetHeight: row,
    outOffsetWidth: column,
  };
}
