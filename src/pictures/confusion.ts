/** `confusion.png`: how many pictures of each class got which answer. */
import { Canvas } from './canvas.ts';
import { loadTypefaces, type Typeface, type Typefaces } from './text.ts';
import { COLOURS, MARGIN } from './theme.ts';

export interface Confusion {
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** Row: class of the picture; column: answer. Counts of pictures. */
  readonly confusion: readonly (readonly number[])[];
  /** What was judged: `by the best weights (epoch 12, val acc 0.9477) on val: 145 of 153 right`. */
  readonly by: string;
}

/** More classes would have no room for their counts: the others share a row and a column. */
const MOST_CLASSES = 24;
const OTHERS = 'all others';

const HEADING = { size: 18, height: 24 };
const SUBHEADING = { size: 13, height: 20 };
const LABEL = { size: 13 };
const AXIS = { size: 12, height: 18 };
/** Widest label, units. */
const LABEL_WIDTH = 150;
const LABEL_GAP = 8;
/** Side of a cell for few and for many classes, units. */
const LARGEST_CELL = 88;
const SMALLEST_CELL = 34;
/** The cells of a middling matrix together. */
const FIELD_WIDTH = 420;
/** The heading decides the width of a small matrix, up to this. */
const HEADING_WIDTH = 560;

/**
 * Pale to dark, by the share of the row. Right and wrong answers differ in hue and, by the frame, without colours.
 * `mixed` is the cell of all others among themselves.
 */
const TINTS = { right: [11, 58, 117], wrong: [178, 60, 0], mixed: [87, 96, 106] } as const;
/** Figures on a colour of less luminance (WCAG's, 0 to 1) are white: there it has the better contrast. */
const DARK = 0.179;

/** @returns a PNG: a matrix of counts, truths in rows, answers in columns; framed cells are right answers */
export async function drawConfusion(confusion: Confusion): Promise<Buffer> {
  return (await confusionCanvas(confusion)).png();
}

export async function confusionCanvas(given: Confusion): Promise<Canvas> {
  const { classes, confusion } = gathered(given);
  const others = classes.length < given.classes.length ? classes.length - 1 : undefined;
  const faces = await loadTypefaces();
  const { regular, bold } = faces;
  const cell = Math.round(Math.min(LARGEST_CELL, Math.max(SMALLEST_CELL, FIELD_WIDTH / classes.length)));
  const names = classes.map((name) => regular.shorten(name, LABEL.size, LABEL_WIDTH));
  const widest = Math.ceil(Math.max(...names.map((name) => regular.measure(name, LABEL.size))));
  const upright = widest > cell - LABEL_GAP;
  const left = MARGIN + AXIS.height + widest + LABEL_GAP;
  const columnLabels = upright ? widest + LABEL_GAP : LABEL.size + LABEL_GAP;
  const header = HEADING.height + SUBHEADING.height + 10;
  const top = MARGIN + header + AXIS.height + columnLabels;
  const field = cell * classes.length;
  const heading = Math.ceil(Math.min(HEADING_WIDTH, regular.measure(given.by, SUBHEADING.size)));
  const width = Math.max(left + field - MARGIN, heading);
  const canvas = new Canvas(width + 2 * MARGIN, top + field + MARGIN);

  let baseline = MARGIN + HEADING.height - 6;
  canvas.text('Truths and answers', MARGIN, baseline, { face: bold, size: HEADING.size });
  baseline += SUBHEADING.height;
  const quiet = { face: regular, size: SUBHEADING.size, colour: COLOURS.quiet };
  canvas.text(regular.shorten(given.by, SUBHEADING.size, width), MARGIN, baseline, quiet);
  const axis = { face: regular, size: AXIS.size, colour: COLOURS.quiet };
  canvas.text('answer', left, top - columnLabels - 4, axis);
  turned(canvas, regular, 'truth', MARGIN + AXIS.size - 2, top + regular.measure('truth', AXIS.size), AXIS.size);

  names.forEach((name, i) => {
    const middle = i * cell + cell / 2;
    const length = regular.measure(name, LABEL.size);
    const style = { face: regular, size: LABEL.size };
    canvas.text(name, left - LABEL_GAP - length, top + middle + LABEL.size * 0.35, style);
    if (upright) turned(canvas, regular, name, left + middle + LABEL.size * 0.35, top - LABEL_GAP, LABEL.size);
    else canvas.text(name, left + middle - length / 2, top - LABEL_GAP, style);
  });
  confusion.forEach((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, answer) => {
      const place = { x: left + answer * cell, y: top + truth * cell, side: cell };
      const kind = truth !== answer ? 'wrong' : truth === others ? 'mixed' : 'right';
      drawCell(canvas, faces, place, { count, share: total === 0 ? 0 : count / total, kind });
    });
  });
  return canvas;
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

function drawCell(
  canvas: Canvas,
  { regular, bold }: Typefaces,
  { x, y, side }: Place,
  { count, share, kind }: { readonly count: number; readonly share: number; readonly kind: keyof typeof TINTS },
): void {
  const isRight = kind === 'right';
  const inset = isRight ? 1.5 : 0.5;
  const fill = count === 0 ? WHITE : mixed(TINTS[kind], share);
  canvas.shape('rect', {
    x: x + inset,
    y: y + inset,
    width: side - 2 * inset,
    height: side - 2 * inset,
    fill: hex(fill),
    stroke: isRight ? COLOURS.ink : COLOURS.grid,
    'stroke-width': isRight ? 2 : 1,
  });
  // An empty diagonal is a class that was never recognised; the other zeros would only hide the figures.
  if (count === 0 && !isRight) return;
  const face = isRight ? bold : regular;
  const text = String(count);
  const size = Math.min(side * 0.34, 16, ((side - 6) / face.measure(text, 1)) * 0.95);
  const colour = luminanceOf(fill) < DARK ? COLOURS.paper : COLOURS.ink;
  const baseline = y + side / 2 + size * 0.36;
  canvas.text(text, x + side / 2 - face.measure(text, size) / 2, baseline, { face, size, colour });
}

type Colour = readonly [red: number, green: number, blue: number];
const WHITE: Colour = [255, 255, 255];

/** Nearly white at a share of 0, the colour itself at 1. */
function mixed(colour: Colour, share: number): Colour {
  const weight = 0.08 + 0.92 * share;
  const [red, green, blue] = colour.map((value) => Math.round(255 + (value - 255) * weight));
  return [red!, green!, blue!];
}

function hex(colour: Colour): string {
  return `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

/** Relative luminance of WCAG 2. */
function luminanceOf(colour: Colour): number {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

/** Text that runs upwards from (`x`, `y`), quarter turned. */
function turned(canvas: Canvas, face: Typeface, text: string, x: number, y: number, size: number): void {
  const { path } = face.outline(text, size);
  if (path) canvas.add(`<path transform="translate(${x} ${y}) rotate(-90)" d="${path}" fill="${COLOURS.ink}"/>`);
}

/** The classes with the most wrong answers, for or instead of them; the others share the last row and column. */
function gathered({ classes, confusion }: Confusion): Omit<Confusion, 'by'> {
  if (classes.length <= MOST_CLASSES) return { classes, confusion };
  const wrong = classes.map((_, label) =>
    classes.reduce(
      (sum, _, other) => (other === label ? sum : sum + confusion[label]![other]! + confusion[other]![label]!),
      0,
    ),
  );
  const kept = [...classes.keys()]
    .sort((a, b) => wrong[b]! - wrong[a]! || a - b)
    .slice(0, MOST_CLASSES - 1)
    .sort((a, b) => a - b);
  const place = new Map(kept.map((label, i) => [label, i]));
  const sums = Array.from({ length: MOST_CLASSES }, () => new Array<number>(MOST_CLASSES).fill(0));
  confusion.forEach((row, truth) => {
    row.forEach((count, answer) => {
      sums[place.get(truth) ?? kept.length]![place.get(answer) ?? kept.length]! += count;
    });
  });
  return { classes: [...kept.map((label) => classes[label]!), OTHERS], confusion: sums };
}
