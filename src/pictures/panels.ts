/** Draws loss and accuracy side by side over the same epochs, under one legend. */
import { Canvas } from './canvas.ts';
import { type Axis, drawPanel, FIELD, type Panel, type SeriesStyle, type Step, TICKS } from './chart.ts';
import { drawLegend, LEGEND_HEIGHT } from './legend.ts';
import { loadTypefaces } from './text.ts';
import { COLOURS, MARGIN } from './theme.ts';

/** The values that are drawn for one phase of one epoch. */
export interface MeasuredPoint {
  readonly epoch: number;
  readonly loss: number;
  readonly acc: number;
}

export interface Panels {
  readonly series: readonly {
    readonly name: string;
    readonly style: SeriesStyle;
    readonly points: readonly MeasuredPoint[];
  }[];
  readonly steps: readonly Step[];
  readonly best?: { readonly point: MeasuredPoint; readonly label: string } | undefined;
}

const PANEL = { width: 460, height: 290, gap: 28 } as const;
const WIDTH = 2 * PANEL.width + PANEL.gap;
const TITLE = { size: 15, height: 30 } as const;
const UNDER = { size: 11.5 } as const;

/** Loss on the left, accuracy on the right, over the same epochs. */
export async function panelsCanvas(panels: Panels): Promise<Canvas> {
  const faces = await loadTypefaces();
  const canvas = new Canvas(WIDTH + 2 * MARGIN, MARGIN + LEGEND_HEIGHT + TITLE.height + PANEL.height + MARGIN);
  drawLegend(
    canvas,
    [...panels.series, ...(panels.best ? [{ name: panels.best.label, style: 'ring' as const }] : [])],
    faces,
  );

  const top = MARGIN + LEGEND_HEIGHT + TITLE.height;
  for (const [i, { title, panel }] of panelsOf(panels, PANEL).entries()) {
    const left = MARGIN + i * (PANEL.width + PANEL.gap);
    const { svg } = await drawPanel(panel, faces);
    canvas.add(`<g transform="translate(${left} ${top})">${svg}</g>`);
    canvas.text(title, left, top - 6, { face: faces.bold, size: TITLE.size });
    const under = 'epoch';
    const middle = left + FIELD.left + (PANEL.width - FIELD.left - FIELD.right) / 2;
    const x = middle - faces.regular.measure(under, UNDER.size) / 2;
    canvas.text(under, x, top + PANEL.height - 1, { face: faces.regular, size: UNDER.size, colour: COLOURS.quiet });
  }
  return canvas;
}

/** The two panels, each with its lines. */
export function panelsOf(
  { series, steps, best }: Panels,
  { width, height }: Pick<Panel, 'width' | 'height'>,
): { readonly title: string; readonly panel: Panel }[] {
  const all = series.flatMap(({ points }) => points);
  const epochs = [Math.min(...all.map(({ epoch }) => epoch)), Math.max(...all.map(({ epoch }) => epoch))] as const;
  const sides = [
    { title: 'Loss', value: ({ loss }: MeasuredPoint) => loss, y: lossAxis(all) },
    { title: 'Accuracy', value: ({ acc }: MeasuredPoint) => acc, y: accuracyAxis(all) },
  ];
  return sides.map(({ title, value, y }) => {
    const point = (measured: MeasuredPoint) => ({ epoch: measured.epoch, value: value(measured) });
    const lines = series.map(({ style, points }) => ({ style, points: points.map(point) }));
    return { title, panel: { width, height, series: lines, y, epochs, steps, rings: best ? [point(best.point)] : [] } };
  });
}

/** From 0, so that half a loss has half the height, to a little above the largest. */
function lossAxis(points: readonly MeasuredPoint[]): Axis {
  const largest = Math.max(...points.map(({ loss }) => loss));
  return axis(0, largest > 0 ? largest * 1.05 : 1);
}

/** From the round tenth below the least accuracy up to 1. */
function accuracyAxis(points: readonly MeasuredPoint[]): Axis {
  const least = Math.min(...points.map(({ acc }) => acc));
  return axis(Math.min(8, Math.max(0, Math.ceil(least * 10 - 1))) / 10, 1);
}

/** Beyond these bounds plain numbers would not fit beside the field: `250K`, and still further out `2.5e-7`. */
const COMPACT_FROM = 1000;
const EXPONENT_FROM = 1e9;
const EXPONENT_BELOW = 1e-3;
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact' });

function axis(from: number, to: number): Axis {
  // d3 puts ticks at 1, 2 or 5 times a power of ten; from the square root of 50 on it prefers the next 10.
  const decimals = Math.max(0, -Math.floor(Math.log10((Math.SQRT2 * (to - from)) / TICKS)));
  const format = (value: number) => {
    const isFar = to >= EXPONENT_FROM || to < EXPONENT_BELOW;
    if (isFar) return value === 0 ? '0' : Number(value.toPrecision(3)).toExponential().replace('+', '');
    return to >= COMPACT_FROM ? COMPACT.format(value) : value.toFixed(decimals);
  };
  return { domain: [from, to], format };
}
