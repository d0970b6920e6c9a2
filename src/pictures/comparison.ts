/** Draws two runs in one picture: the first broad and pale, the second thin on top, so that equal curves overlap. */
import type { Canvas } from './canvas.ts';
import type { SeriesStyle } from './chart.ts';
import { PHASE_STYLES } from './curves.ts';
import { type MeasuredPoint, panelsCanvas } from './panels.ts';

/** One of the two runs. */
export interface ComparedRun {
  /** Name in the legend. */
  readonly name: string;
  /** At least one. */
  readonly metrics: readonly (MeasuredPoint & { readonly phase: 'train' | 'val' })[];
}

const PHASES = ['train', 'val'] as const;

const BROAD: Readonly<Record<'train' | 'val', SeriesStyle>> = {
  train: { colour: '#f7d9b4', width: 8, filled: true },
  val: { colour: '#a9c3e6', width: 8, filled: true },
};

/** @returns a PNG: loss and accuracy of both runs over their epochs, under one legend */
export async function drawComparison(first: ComparedRun, second: ComparedRun): Promise<Buffer> {
  return (await comparisonCanvas(first, second)).png();
}

export async function comparisonCanvas(first: ComparedRun, second: ComparedRun): Promise<Canvas> {
  const series = [
    { run: first, styles: BROAD },
    { run: second, styles: PHASE_STYLES },
  ].flatMap(({ run, styles }) =>
    PHASES.map((phase) => ({
      name: `${run.name} ${phase}`,
      style: styles[phase],
      points: run.metrics.filter((point) => point.phase === phase),
    })),
  );
  return panelsCanvas({ series: series.filter(({ points }) => points.length > 0), steps: [] });
}
