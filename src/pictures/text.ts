/**
 * Text as outlines. A system without fonts draws no text, and one with other fonts draws wider text. The pictures
 * therefore bring their own font, shape text here, and give the drawing library only paths. The width and place of
 * every letter are then known and the same on every machine.
 */
import { createRequire } from 'node:module';
import type { Font, Glyph } from 'fontkit';
import { loadOptional } from '../optional.ts';

/** Text after layout: SVG path data and the box of its ink. */
export interface Outline {
  /** '' if nothing is visible. */
  readonly path: string;
  /** Distance that the pen moved. */
  readonly width: number;
  readonly box: Box | undefined;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Typefaces {
  readonly regular: Typeface;
  readonly bold: Typeface;
}

const ELLIPSIS = '…';

let loading: Promise<Typefaces> | undefined;

/** Reads DejaVu Sans Condensed on the first call. That takes half a second, too long for start-up. */
export function loadTypefaces(): Promise<Typefaces> {
  loading ??= readTypefaces();
  return loading;
}

async function readTypefaces(): Promise<Typefaces> {
  const { open } = await loadOptional('fontkit', 'Text in pictures', () => import('fontkit'));
  const { resolve } = createRequire(import.meta.url);
  const read = (name: string) =>
    loadOptional('dejavu-fonts-ttf', 'Text in pictures', async () => {
      return new Typeface((await open(resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`))) as Font);
    });
  return { regular: await read('DejaVuSansCondensed'), bold: await read('DejaVuSansCondensed-Bold') };
}

interface PlacedGlyph {
  readonly glyph: Glyph;
  /** Units of the font, from the start of the text, y upwards. */
  readonly x: number;
  readonly y: number;
}

interface Line {
  readonly glyphs: readonly PlacedGlyph[];
  /** Units of the font. */
  readonly advance: number;
}

/** Letters of right-to-left scripts. A stretch of them, with all that stands between, has to be shaped as one. */
const LEFTWARD = String.raw`[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]`;
const LEFTWARD_STRETCH = new RegExp(String.raw`(${LEFTWARD}(?:[^\p{L}]*${LEFTWARD}\p{M}*)*)`, 'u');

export class Typeface {
  readonly #font: Font;

  constructor(font: Font) {
    this.#font = font;
  }

  /** Width of a text of this size. */
  measure(text: string, size: number): number {
    return this.#layOut(text).advance * this.#scale(size);
  }

  /** Outlines a text whose baseline starts at (`x`, `y`). Characters that the font lacks become boxes. */
  outline(text: string, size: number, x = 0, y = 0): Outline {
    const { glyphs, advance } = this.#layOut(text);
    const scale = this.#scale(size);
    const pen = new Pen(scale);
    for (const { glyph, x: right, y: up } of glyphs) pen.draw(glyph, x + right * scale, y - up * scale);
    return { path: pen.path, width: advance * scale, box: pen.box };
  }

  /**
   * The text itself if it is no wider than `width`, else its beginning and its end with an ellipsis between. The end
   * stays because names that begin alike often end differently, and a percentage stands at the end.
   */
  shorten(text: string, size: number, width: number): string {
    if (this.measure(text, size) <= width) return text;
    const letters = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
    const shortened = (kept: number) => {
      const end = Math.floor(kept * SHARE_OF_THE_END);
      const start = letters
        .slice(0, kept - end)
        .join('')
        .trimEnd();
      return (
        start +
        ELLIPSIS +
        letters
          .slice(letters.length - end)
          .join('')
          .trimStart()
      );
    };
    let least = 0;
    let most = letters.length - 1;
    while (least < most) {
      const kept = Math.ceil((least + most) / 2);
      if (this.measure(shortened(kept), size) <= width) least = kept;
      else most = kept - 1;
    }
    return shortened(least);
  }

  #scale(size: number): number {
    return size / this.#font.unitsPerEm;
  }

  /** Glyphs in their places. Each stretch is shaped by the rules of its script; the stretches run to the right. */
  #layOut(text: string): Line {
    const glyphs: PlacedGlyph[] = [];
    let pen = 0;
    for (const stretch of printable(text).split(LEFTWARD_STRETCH)) {
      if (stretch === '') continue;
      const run = this.#font.layout(stretch);
      run.glyphs.forEach((glyph, i) => {
        const { xAdvance, xOffset, yOffset } = run.positions[i]!;
        glyphs.push({ glyph, x: pen + xOffset, y: yOffset });
        pen += xAdvance;
      });
    }
    return { glyphs, advance: pen };
  }
}

/** Share of a shortened text's letters that comes from its end. */
const SHARE_OF_THE_END = 0.4;

/** The text as one line, without characters that move or hide letters; joiners that some scripts need stay. */
export function printable(text: string): string {
  return text
    .replaceAll(/\p{Cs}/gu, '\ufffd')
    .normalize('NFC')
    .replaceAll(/[\s\p{Z}\p{Cc}]+/gu, ' ')
    .replaceAll(/(?![\u200c\u200d])\p{Cf}/gu, '');
}

/** Writes outlines as SVG path data and tracks the box of their ink. */
class Pen {
  readonly #scale: number;
  readonly #parts: string[] = [];
  #left = Number.POSITIVE_INFINITY;
  #top = Number.POSITIVE_INFINITY;
  #right = Number.NEGATIVE_INFINITY;
  #bottom = Number.NEGATIVE_INFINITY;

  constructor(scale: number) {
    this.#scale = scale;
  }

  /** Draws a glyph with its origin at (`x`, `y`). In fonts y grows upwards, in pictures downwards. */
  draw(glyph: Glyph, x: number, y: number): void {
    for (const { command, args } of glyph.path.commands) {
      const points: string[] = [];
      for (let i = 0; i < args.length; i += 2) {
        const px = x + args[i]! * this.#scale;
        const py = y - args[i + 1]! * this.#scale;
        this.#left = Math.min(this.#left, px);
        this.#right = Math.max(this.#right, px);
        this.#top = Math.min(this.#top, py);
        this.#bottom = Math.max(this.#bottom, py);
        points.push(`${short(px)} ${short(py)}`);
      }
      this.#parts.push(LETTERS[command] + points.join(' '));
    }
  }

  get path(): string {
    return this.#parts.join('');
  }

  /** Box of all points, including control points of curves. It may be a little larger than the ink, never smaller. */
  get box(): Box | undefined {
    if (this.#parts.length === 0) return undefined;
    return { left: this.#left, top: this.#top, right: this.#right, bottom: this.#bottom };
  }
}

const LETTERS = { moveTo: 'M', lineTo: 'L', quadraticCurveTo: 'Q', bezierCurveTo: 'C', closePath: 'Z' } as const;

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}
