/** `curves.png`: loss and accuracy of a run over its epochs. */
import type { Canvas } from './canvas.ts';
import type { SeriesStyle, Step } from './chart.ts';
import { panelsCanvas } from './panels.ts';

/** One phase of one epoch. */
export interface CurvePoint {
  /** From 0. */
  readonly epoch: number;
  readonly phase: 'train' | 'val';
  readonly loss: number;
  /** 0 to 1. */
  readonly acc: number;
  /** Learning rate of the epoch. */
  readonly lr: number;
}

export interface Curves {
  /** At least one. */
  readonly points: readonly CurvePoint[];
  /** Epoch of the best weights; null for the weights before training. */
  readonly bestEpoch: number | null;
}

/** The colours differ in lightness too, so they differ in greyscale. Dashes and marks repeat the distinction. */
export const PHASE_STYLES: Readonly<Record<CurvePoint['phase'], SeriesStyle>> = {
  train: { colour: '#e58a1f', width: 2, dashes: '7 4', filled: false },
  val: { colour: '#0b3a75', width: 2.2, filled: true },
};

/** @returns a PNG: two panels side by side under one legend */
export async function drawCurves(curves: Curves): Promise<Buffer> {
  return (await curvesCanvas(curves)).png();
}

export async function curvesCanvas({ points, bestEpoch }: Curves): Promise<Canvas> {
  const best = points.find(({ epoch, phase }) => phase === 'val' && epoch === bestEpoch);
  const named = (['train', 'val'] as const).map((phase) => ({
    name: phase,
    style: PHASE_STYLES[phase],
    points: points.filter((point) => point.phase === phase),
  }));
  return panelsCanvas({
    // A run that was stopped in its first epoch has no val phase yet.
    series: named.filter((one) => one.points.length > 0),
    steps: rateSteps(points),
    best: best && { point: best, label: `best weights: epoch ${best.epoch}, val acc ${best.acc.toFixed(4)}` },
  });
}

/** The first epoch, and each one whose learning rate differs from the epoch before. */
export function rateSteps(points: readonly CurvePoint[]): Step[] {
  const steps: Step[] = [];
  let before: number | undefined;
  for (const { epoch, lr } of [...points].sort((a, b) => a.epoch - b.epoch)) {
    if (lr !== before) steps.push({ epoch, label: `lr ${rateText(lr)}` });
    before = lr;
  }
  return steps;
}

/** `0.1`, `1e-3` or `2.5e-4`, without the rounding noise of 0.001 * 0.1. */
function rateText(lr: number): string {
  const rounded = Number(lr.toPrecision(3));
  return rounded === 0 || rounded >= 0.01 ? String(rounded) : rounded.toExponential();
}
