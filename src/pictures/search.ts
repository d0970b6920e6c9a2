/** `lr-find.png`: the loss over learning rates, and the one that is suggested. */
import { loadOptional } from '../optional.ts';
import { Canvas } from './canvas.ts';
import { outlineTexts, type SvgElement } from './chart.ts';
import { loadTypefaces } from './text.ts';
import { COLOURS, MARGIN } from './theme.ts';

/** What a search of the learning rate found. */
export interface Search {
  /** At least one, by growing rate. */
  readonly points: readonly { readonly lr: number; readonly loss: number }[];
  readonly suggested: number | null;
  readonly steepest: number | null;
}

const FIELD = { width: 640, height: 340, left: 48, right: 16, top: 10, bottom: 40 } as const;
const HEAD = { size: 15, height: 44 } as const;
const TEXT = 12;
const LINE = '#0b3a75';
const SUGGESTED = '#e58a1f';
/** Higher losses are cut off: where the loss explodes, nothing else could be seen. */
const MOST_ABOVE_START = 1.5;

/** @returns a PNG */
export async function drawSearch(search: Search): Promise<Buffer> {
  return (await searchCanvas(search)).png();
}

export async function searchCanvas({ points: all, suggested, steepest }: Search): Promise<Canvas> {
  const Plot = await loadOptional('@observablehq/plot', 'Drawing charts', () => import('@observablehq/plot'));
  const { parseHTML } = await loadOptional('linkedom', 'Drawing charts', () => import('linkedom'));
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const faces = await loadTypefaces();
  const { points, least, most } = shown(all);
  const room = (most - least || 1) * 0.05;
  const rates = points.map(({ lr }) => lr);
  const marked = [
    { lr: suggested, colour: SUGGESTED, dashes: 'none' },
    { lr: steepest, colour: COLOURS.quiet, dashes: '2 4' },
  ].filter((mark): mark is { lr: number; colour: string; dashes: string } => mark.lr !== null);
  const svg: SvgElement = Plot.plot({
    document,
    width: FIELD.width,
    height: FIELD.height,
    marginLeft: FIELD.left,
    marginRight: FIELD.right,
    marginTop: FIELD.top,
    marginBottom: FIELD.bottom,
    x: { type: 'log', domain: [rates[0]!, rates.at(-1)!], label: null },
    y: { domain: [least - room, most + room], label: null, clamp: true },
    marks: [
      Plot.gridY({ ticks: 5, stroke: COLOURS.grid, strokeOpacity: 1 }),
      Plot.axisY({ ticks: 5, tickSize: 0 }),
      Plot.axisX(powersOfTen(rates[0]!, rates.at(-1)!), {
        tickSize: 4,
        stroke: COLOURS.line,
        tickFormat: (rate: number) => rate.toExponential(0).replace('+', ''),
      }),
      ...marked.map(({ lr, colour, dashes }) =>
        Plot.ruleX([lr], { stroke: colour, strokeWidth: 2, ...(dashes !== 'none' && { strokeDasharray: dashes }) }),
      ),
      Plot.line(points, { x: 'lr', y: 'loss', stroke: LINE, strokeWidth: 2.2 }),
    ],
  });
  outlineTexts(svg, faces);
  for (const style of Array.from(svg.querySelectorAll('style'))) style.remove();

  const canvas = new Canvas(FIELD.width + 2 * MARGIN, HEAD.height + FIELD.height + 2 * MARGIN);
  const top = MARGIN + HEAD.height;
  canvas.add(
    `<g transform="translate(${MARGIN} ${top})" color="${COLOURS.quiet}" fill="${COLOURS.quiet}">${svg.innerHTML}</g>`,
  );
  canvas.text('Loss over the learning rate', MARGIN, MARGIN + HEAD.size, { face: faces.bold, size: HEAD.size });
  canvas.text(caption(suggested, steepest), MARGIN, MARGIN + HEAD.size + 20, { face: faces.regular, size: TEXT });
  const under = 'learning rate (smoothed loss, each point one update)';
  const middle = MARGIN + FIELD.left + (FIELD.width - FIELD.left - FIELD.right) / 2;
  canvas.text(under, middle - faces.regular.measure(under, TEXT) / 2, top + FIELD.height - 4, {
    face: faces.regular,
    size: TEXT,
    colour: COLOURS.quiet,
  });
  return canvas;
}

/** The points up to where the loss explodes, and the losses between which they are drawn. */
function shown(points: Search['points']) {
  const losses = points.map(({ loss }) => loss);
  const [least, first] = [Math.min(...losses), losses[0]!];
  const most = Math.min(Math.max(...losses), first + MOST_ABOVE_START * Math.max(first - least, first / 10));
  const end = losses.findIndex((loss, i) => i > losses.indexOf(least) && loss > most);
  return { points: end < 0 ? points : points.slice(0, end + 1), least, most };
}

function caption(suggested: number | null, steepest: number | null): string {
  if (suggested === null || steepest === null) return 'The loss does not fall at any rate: nothing is suggested.';
  const text = (rate: number) => rate.toExponential(1).replace('+', '');
  return `suggested ${text(suggested)}, half-way down the longest fall (line); steepest fall at ${text(steepest)} (dots)`;
}

function powersOfTen(from: number, to: number): number[] {
  const first = Math.ceil(Math.log10(from) - 1e-9);
  const last = Math.floor(Math.log10(to) + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(`1e${first + i}`));
}
