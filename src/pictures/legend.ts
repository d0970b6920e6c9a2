/** Draws the legend: a sample of each line with its mark, beside its name. */
import type { Canvas } from './canvas.ts';
import { MARK, RING, type SeriesStyle } from './chart.ts';
import type { Typefaces } from './text.ts';
import { COLOURS, MARGIN } from './theme.ts';

export interface LegendEntry {
  readonly name: string;
  /** `ring` is the mark of the best epoch. */
  readonly style: SeriesStyle | 'ring';
}

export const LEGEND_HEIGHT = 22;

const SIZE = 13;
const SAMPLE = 36;
const GAP = 28;
const SPACE = 8;
/** From the middle of a sample to the baseline beside it. */
const DROP = 4.5;

/** Draws one row at the top of a canvas. If the row is too long, each name is shortened to its share. */
export function drawLegend(canvas: Canvas, entries: readonly LegendEntry[], { regular }: Typefaces): void {
  const room = canvas.width - 2 * MARGIN - (entries.length - 1) * GAP;
  const sampleWidth = ({ style }: LegendEntry) => (style === 'ring' ? 2 * RING.radius : SAMPLE) + SPACE;
  const widths = entries.map((entry) => sampleWidth(entry) + regular.measure(entry.name, SIZE));
  const fits = widths.reduce((sum, width) => sum + width, 0) <= room;
  const share = fits ? Number.POSITIVE_INFINITY : room / entries.length;
  const y = MARGIN + LEGEND_HEIGHT / 2;
  let x = MARGIN;
  for (const entry of entries) {
    sample(canvas, entry, x, y);
    x += sampleWidth(entry);
    const name = regular.shorten(entry.name, SIZE, share - sampleWidth(entry));
    x += canvas.text(name, x, y + DROP, { face: regular, size: SIZE }).width + GAP;
  }
}

function sample(canvas: Canvas, { style }: LegendEntry, x: number, y: number): void {
  if (style === 'ring') {
    const { radius, width } = RING;
    canvas.shape('circle', {
      cx: x + radius,
      cy: y,
      r: radius,
      fill: 'none',
      stroke: COLOURS.ink,
      'stroke-width': width,
    });
    return;
  }
  const { colour, width, dashes, filled } = style;
  canvas.shape('path', {
    d: `M${x} ${y}h${SAMPLE}`,
    stroke: colour,
    'stroke-width': width,
    ...(dashes !== undefined && { 'stroke-dasharray': dashes }),
  });
  canvas.shape('circle', {
    cx: x + SAMPLE / 2,
    cy: y,
    r: MARK.radius,
    fill: filled ? colour : COLOURS.paper,
    stroke: colour,
    'stroke-width': MARK.width,
  });
}
