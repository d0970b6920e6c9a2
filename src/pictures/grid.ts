/** Draws pictures of one size in rows, each with a title and perhaps a second line above it. */
import type { Picture } from '../data/index.ts';
import { Canvas, type TextStyle } from './canvas.ts';
import { enlarge, resample } from './scale.ts';
import { loadTypefaces } from './text.ts';
import { COLOURS, DENSITY, MARGIN } from './theme.ts';

export interface Cell {
  readonly picture: Picture;
  /** In bold. */
  readonly title: Caption;
  /** A second, smaller line. */
  readonly remark?: Caption;
  readonly frame: Frame;
}

/** A line. If room is short, only its name is shortened. */
export interface Caption {
  readonly before?: string;
  readonly name: string;
}

/** Drawn around a picture, outside its pixels. */
export interface Frame {
  readonly colour: string;
  /** Units, at most `GAP / 2`. */
  readonly width: number;
  /** SVG's stroke-dasharray. */
  readonly dashes?: string;
}

export interface Grid {
  readonly heading: string;
  readonly subheading: string;
  readonly cells: readonly Cell[];
  /** Most cells in a row. */
  readonly columns: number;
}

/** Target for a picture's side in pixels: twice the 224 that the networks see. */
const SIDE = 448;
/** Larger pictures are reduced to `SIDE`. */
const LARGEST_SIDE = 600;

/** Between cells, units. */
const GAP = 20;
/** Headings have at least this width, however few the pictures. */
const LEAST_WIDTH = 390;

const HEADING = { size: 18, height: 24 };
const SUBHEADING = { size: 13, height: 20 };
const TITLE = { size: 15, height: 22 };
const REMARK = { size: 13, height: 19 };
/** From a baseline to the picture below it. */
const DROP = 12;

export async function gridCanvas({ heading, subheading, cells, columns }: Grid): Promise<Canvas> {
  const { regular, bold } = await loadTypefaces();
  const shown: Picture[] = [];
  for (const { picture } of cells) shown.push(await toSide(picture));
  const side = Math.ceil(Math.max(...shown.map(({ width, height }) => Math.max(width, height))) / DENSITY);
  const across = Math.min(columns, cells.length);
  const width = Math.max(across * side + (across - 1) * GAP, LEAST_WIDTH);
  const remarks = cells.some(({ remark }) => remark !== undefined) ? REMARK.height : 0;
  const header = HEADING.height + SUBHEADING.height + 14;
  const row = TITLE.height + remarks + DROP + side + GAP;
  const rows = Math.ceil(cells.length / across);

  const canvas = new Canvas(width + 2 * MARGIN, MARGIN + header + rows * row - GAP + MARGIN);
  let baseline = MARGIN + HEADING.height - 6;
  canvas.text(bold.shorten(heading, HEADING.size, width), MARGIN, baseline, { face: bold, size: HEADING.size });
  baseline += SUBHEADING.height;
  const under = regular.shorten(subheading, SUBHEADING.size, width);
  canvas.text(under, MARGIN, baseline, { face: regular, size: SUBHEADING.size, colour: COLOURS.quiet });

  cells.forEach(({ title, remark, frame }, i) => {
    const left = MARGIN + (i % across) * (side + GAP);
    let y = MARGIN + header + Math.floor(i / across) * row + TITLE.height;
    write(canvas, title, { face: bold, size: TITLE.size }, left, y, side);
    y += remarks;
    if (remark) write(canvas, remark, { face: regular, size: REMARK.size }, left, y, side);
    y += DROP;
    const { width: line, colour, dashes } = frame;
    canvas.shape('rect', {
      x: left - line / 2,
      y: y - line / 2,
      width: side + line,
      height: side + line,
      fill: 'none',
      stroke: colour,
      'stroke-width': line,
      ...(dashes !== undefined && { 'stroke-dasharray': dashes }),
    });
    canvas.picture(shown[i]!, left, y);
  });
  return canvas;
}

function write(canvas: Canvas, { before = '', name }: Caption, style: TextStyle, x: number, y: number, room: number) {
  const { face, size } = style;
  canvas.text(before + face.shorten(name, size, room - face.measure(before, size)), x, y, style);
}

/** Enlarges by a whole factor, so that pixels stay squares. */
async function toSide(picture: Picture): Promise<Picture> {
  const longer = Math.max(picture.width, picture.height);
  if (longer > LARGEST_SIDE) return resample(picture, SIDE);
  return enlarge(picture, Math.max(1, Math.round(SIDE / longer)));
}
