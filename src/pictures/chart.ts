/**
 * Draws one panel of lines over epochs with Observable Plot. Plot writes SVG into a document that linkedom simulates;
 * every text in it is then replaced by its outline.
 */
import { loadOptional } from '../optional.ts';
import type { Typefaces } from './text.ts';
import { COLOURS } from './theme.ts';

/** A line and its style: colour, dashes and marks distinguish it from others. */
export interface Series {
  readonly points: readonly Point[];
  readonly style: SeriesStyle;
}

export interface SeriesStyle {
  readonly colour: string;
  /** Units. */
  readonly width: number;
  /** SVG's stroke-dasharray. */
  readonly dashes?: string;
  /** Whether the marks on the points are filled, or rings. */
  readonly filled: boolean;
}

export interface Point {
  /** From 0. */
  readonly epoch: number;
  readonly value: number;
}

export interface Panel {
  readonly width: number;
  readonly height: number;
  readonly series: readonly Series[];
  readonly y: Axis;
  /** Epochs, both included. */
  readonly epochs: readonly [number, number];
  /** Vertical lines before these epochs, with the labels above them. */
  readonly steps: readonly Step[];
  /** Points that get a ring. */
  readonly rings: readonly Point[];
}

export interface Axis {
  readonly domain: readonly [number, number];
  readonly format: (value: number) => string;
}

export interface Step {
  readonly epoch: number;
  readonly label: string;
}

/** Room for numbers and labels around the field of lines, units. */
export const FIELD = { left: 40, right: 6, top: 24, bottom: 34 } as const;

/** Approximate count of numbers on the vertical axis. */
export const TICKS = 5;

const TEXT = 11.5;
/** With more epochs, marks on points would run into each other. */
const MOST_MARKED_EPOCHS = 32;
export const MARK = { radius: 3.2, width: 1.6 } as const;
const TICK_GAP = 48;
/** Between the labels of two steps, units. */
const LABEL_GAP = 10;
/** If two lines of steps are closer than this, only steps with labels are drawn. */
const CLOSE = 10;

const NAMESPACE = 'http://www.w3.org/2000/svg';

export interface PanelDrawing {
  /** SVG elements, in units from the panel's upper left corner; no text, no fonts. */
  readonly svg: string;
  /** The texts in it. */
  readonly labels: readonly string[];
}

export async function drawPanel(panel: Panel, faces: Typefaces): Promise<PanelDrawing> {
  const svg = await plotPanel(panel, COLOURS, (label) => faces.regular.measure(label, TEXT));
  const labels = outlineTexts(svg, faces);
  return { svg: `<g color="${COLOURS.quiet}" fill="${COLOURS.quiet}">${svg.innerHTML}</g>`, labels };
}

/** Approximate width of a character, of its size: a page's font is not known. */
const CHARACTER = 0.56;

/** The content of an SVG element for a page: texts stay texts, and colours are the page's (`--ink`, `--grid` …). */
export async function panelForPage(panel: Panel): Promise<string> {
  const svg = await plotPanel(panel, PAGE_COLOURS, (label) => label.length * TEXT * CHARACTER);
  return `<g color="${PAGE_COLOURS.quiet}" fill="${PAGE_COLOURS.quiet}" font-size="${TEXT}">${svg.innerHTML}</g>`;
}

type ChartColours = Readonly<Record<'paper' | 'ink' | 'quiet' | 'line' | 'grid', string>>;

const PAGE_COLOURS: ChartColours = {
  paper: 'var(--paper)',
  ink: 'var(--ink)',
  quiet: 'var(--quiet)',
  line: 'var(--line)',
  grid: 'var(--grid)',
};

async function plotPanel(panel: Panel, colours: ChartColours, measure: (label: string) => number): Promise<SvgElement> {
  const Plot = await loadOptional('@observablehq/plot', 'Drawing charts', () => import('@observablehq/plot'));
  const { parseHTML } = await loadOptional('linkedom', 'Drawing charts', () => import('linkedom'));
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const { width, height, series, y, epochs, rings } = panel;
  const [first, last] = epochs;
  const field = width - FIELD.left - FIELD.right;
  const perEpoch = field / (last - first + 1);
  const steps = placeSteps(panel.steps, { field, first, perEpoch }, measure);
  const epochAt = (x: number) => first - 0.5 + x / perEpoch;
  const marked = last - first < MOST_MARKED_EPOCHS;

  const svg: SvgElement = Plot.plot({
    document,
    width,
    height,
    marginLeft: FIELD.left,
    marginRight: FIELD.right,
    marginTop: FIELD.top,
    marginBottom: FIELD.bottom,
    x: { domain: [first - 0.5, last + 0.5], label: null },
    y: { domain: y.domain, label: null },
    marks: [
      Plot.gridY({ ticks: TICKS, stroke: colours.grid, strokeOpacity: 1 }),
      Plot.axisY({ ticks: TICKS, tickSize: 0, tickFormat: y.format }),
      Plot.axisX(wholeTicks(first, last, field), { tickSize: 4, stroke: colours.line, tickFormat: 'd' }),
      Plot.ruleY([y.domain[0]], { stroke: colours.quiet }),
      Plot.ruleX(steps, {
        x: ({ line }: PlacedStep) => epochAt(line),
        stroke: colours.quiet,
        strokeDasharray: '1 3',
        strokeLinecap: 'round',
      }),
      Plot.text(
        steps.filter(({ text }) => text !== undefined),
        {
          x: ({ text }: PlacedStep) => epochAt(text!),
          text: 'label',
          frameAnchor: 'top',
          textAnchor: 'start',
          lineAnchor: 'bottom',
          dy: -6,
          dx: -1,
        },
      ),
      ...series.map(({ points, style }) =>
        Plot.line(points, {
          x: 'epoch',
          y: 'value',
          stroke: style.colour,
          strokeWidth: style.width,
          ...(style.dashes !== undefined && { strokeDasharray: style.dashes, strokeLinecap: 'butt' }),
        }),
      ),
      ...series.map(({ points, style }) =>
        Plot.dot(marked ? points : [], {
          x: 'epoch',
          y: 'value',
          r: MARK.radius,
          stroke: style.colour,
          strokeWidth: MARK.width,
          fill: style.filled ? style.colour : colours.paper,
        }),
      ),
      Plot.dot(rings, { x: 'epoch', y: 'value', r: RING.radius, stroke: colours.ink, strokeWidth: RING.width }),
    ],
  });
  for (const style of Array.from(svg.querySelectorAll('style'))) style.remove();
  return svg;
}

/** The mark of the best epoch, in the field and in the legend. */
export const RING = { radius: 7, width: 1.8 } as const;

/** A step and its position in the field, units from the left. */
export interface PlacedStep extends Step {
  readonly line: number;
  /** Start of its label, if there is room for it. */
  readonly text?: number;
}

/**
 * Places steps between two epochs. Labels get room first come, first served. If even the lines are too close, only
 * those with labels stay.
 */
export function placeSteps(
  steps: readonly Step[],
  { field, first, perEpoch }: { readonly field: number; readonly first: number; readonly perEpoch: number },
  measure: (label: string) => number,
): PlacedStep[] {
  let free = 0;
  const placed = steps.map((step): PlacedStep => {
    const line = (step.epoch - first) * perEpoch;
    const width = measure(step.label);
    const text = Math.min(line, field - width);
    if (text < free) return { ...step, line };
    free = text + width + LABEL_GAP;
    return { ...step, line, text };
  });
  const isTight = placed.some(({ line }, i) => i > 0 && line - placed[i - 1]!.line < CLOSE);
  return isTight ? placed.filter(({ text }) => text !== undefined) : placed;
}

/** Whole numbers only: there is no epoch 0.5. */
function wholeTicks(first: number, last: number, field: number): number[] {
  const most = Math.max(1, Math.floor(field / TICK_GAP));
  const distances = [1, 2, 5].flatMap((digit) => [0, 1, 2, 3, 4, 5, 6].map((power) => digit * 10 ** power));
  const distance = distances.sort((a, b) => a - b).find((one) => (last - first) / one <= most) ?? last - first;
  const start = Math.ceil(first / distance) * distance;
  return Array.from({ length: Math.floor((last - start) / distance) + 1 }, (_, i) => start + i * distance);
}

/** The part of a document that this file uses. The real types belong to a browser's library. */
export interface SvgElement {
  readonly parentElement: SvgElement | null;
  readonly ownerDocument: { createElementNS(namespace: string, name: string): SvgElement };
  readonly children: ArrayLike<SvgElement>;
  readonly textContent: string;
  readonly innerHTML: string;
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  querySelectorAll(selector: string): Iterable<SvgElement>;
  replaceWith(other: SvgElement): void;
  remove(): void;
}

/** Replaces every text by a path and returns the texts. Plot places them by `transform`, and by `x` and `y` in em. */
export function outlineTexts(svg: SvgElement, faces: Typefaces): string[] {
  return Array.from(svg.querySelectorAll('text'), (text) => {
    if (text.children.length > 0) throw new Error(`Expected a text of one line, found several: ${text.textContent}`);
    const shift = { start: 0, middle: 0.5, end: 1 }[inherited(text, 'text-anchor') ?? 'start'] ?? 0;
    const width = faces.regular.measure(text.textContent, TEXT);
    const em = (name: string) => Number.parseFloat(text.getAttribute(name) ?? '0') * TEXT;
    const { path } = faces.regular.outline(text.textContent, TEXT, em('x') - shift * width, em('y'));
    const outline = text.ownerDocument.createElementNS(NAMESPACE, 'path');
    outline.setAttribute('d', path);
    outline.setAttribute('stroke', 'none');
    for (const name of ['transform', 'fill']) {
      const value = text.getAttribute(name);
      if (value !== null) outline.setAttribute(name, value);
    }
    text.replaceWith(outline);
    return text.textContent;
  });
}

function inherited(element: SvgElement, name: string): string | null {
  for (let one: SvgElement | null = element; one; one = one.parentElement) {
    const value = one.getAttribute(name);
    if (value !== null) return value;
  }
  return null;
}
