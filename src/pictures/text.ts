/**
 * Text as outlines. A system without fonts draws no text, and one with other fonts draws wider text. The pictures
 * therefore bring their own font, shape text here, and give the drawing library only paths. The width and place of
 * every letter are then known and the same on every machine. Only letters that this font lacks, such as Chinese ones, come
 * from the system's fonts, or, where those lack them too, from a font of pixels that has nearly every script and emoji
 * in two megabytes.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Bidi } from 'bidi-js';
import type { Font, Glyph } from 'fontkit';
import { loadOptional } from '../optional.ts';
import { visualRuns } from './direction.ts';
import { codePoints, drawable, Fallback } from './fallback.ts';
import { tellMissingFont } from './missing-font.ts';
import { type FindFonts, systemFonts } from './system-fonts.ts';
import { sfntOfWoff } from './woff.ts';

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
  loading ??= readTypefaces(systemFonts(), tellMissingFont, lastFont());
  return loading;
}

/**
 * Reads the pictures' own fonts.
 * @param find finds others for characters that these lack
 * @param onMissing told of characters that no font has
 * @param last path of a font in WOFF for characters that none of those has
 */
export async function readTypefaces(
  find: FindFonts,
  onMissing: (text: string) => void,
  last?: string,
): Promise<Typefaces> {
  const { create, open, openSync } = await loadOptional('fontkit', 'Text in pictures', () => import('fontkit'));
  const { default: bidiFactory } = await loadOptional('bidi-js', 'Text in pictures', importBidi);
  const { resolve } = createRequire(import.meta.url);
  const openLast = () => (last === undefined ? undefined : (create(sfntOfWoff(readFileSync(last))) as Font));
  const others = { bidi: bidiFactory(), fallback: new Fallback({ openSync, find, last: openLast, onMissing }) };
  const read = (name: string) =>
    loadOptional('dejavu-fonts-ttf', 'Text in pictures', async () => {
      return new Typeface((await open(resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`))) as Font, others);
    });
  return { regular: await read('DejaVuSansCondensed'), bold: await read('DejaVuSansCondensed-Bold') };
}

/** UnifontEX, an optional package: Chinese, Japanese, Korean, Arabic, Indic scripts, emoji. */
export function lastFont(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('@fontsource/unifontex/files/unifontex-latin-400-normal.woff');
  } catch {
    return undefined;
  }
}

/** The package's types describe a CommonJS module with a default export; it exports the function itself. */
function importBidi(): Promise<{ default: () => Bidi }> {
  return import('bidi-js') as unknown as Promise<{ default: () => Bidi }>;
}

interface PlacedGlyph {
  readonly glyph: Glyph;
  /** Units of its font in an em. */
  readonly unitsPerEm: number;
  /** In em, from the start of the text, y upwards. */
  readonly x: number;
  readonly y: number;
}

interface Line {
  readonly glyphs: readonly PlacedGlyph[];
  /** In em. */
  readonly advance: number;
}

/** Letters that one font draws. */
interface Piece {
  readonly font: Font;
  readonly text: string;
}

/** What the weights of a typeface share. */
interface Others {
  readonly bidi: Bidi;
  readonly fallback: Fallback;
}

export class Typeface {
  readonly #font: Font;
  readonly #others: Others;

  constructor(font: Font, others: Others) {
    this.#font = font;
    this.#others = others;
  }

  /** Width of a text of this size. */
  measure(text: string, size: number): number {
    return this.#layOut(text).advance * size;
  }

  /**
   * Outlines a text whose baseline starts at (`x`, `y`). Characters that neither this font nor one of the system has
   * become boxes, and `onMissingFont` is told.
   */
  outline(text: string, size: number, x = 0, y = 0): Outline {
    const { glyphs, advance } = this.#layOut(text);
    const pen = new Pen();
    for (const { glyph, unitsPerEm, x: right, y: up } of glyphs) {
      pen.draw(glyph, size / unitsPerEm, x + right * size, y - up * size);
    }
    return { path: pen.path, width: advance * size, box: pen.box };
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

  /** Glyphs in their places. Each run is shaped by the rules of its script and its direction. */
  #layOut(text: string): Line {
    const glyphs: PlacedGlyph[] = [];
    let pen = 0;
    for (const { text: own, direction } of visualRuns(printable(text), this.#others.bidi)) {
      const pieces = this.#pieces(own);
      for (const { font, text: piece } of direction === 'rtl' ? pieces.reverse() : pieces) {
        const { unitsPerEm } = font;
        const run = font.layout(piece, undefined, undefined, undefined, direction);
        run.glyphs.forEach((glyph, i) => {
          const { xAdvance, xOffset, yOffset } = run.positions[i]!;
          glyphs.push({ glyph, unitsPerEm, x: pen + xOffset / unitsPerEm, y: yOffset / unitsPerEm });
          pen += xAdvance / unitsPerEm;
        });
      }
    }
    return { glyphs, advance: pen };
  }

  /** Splits a run by the font that draws it: this one where it can, else one of the system, else this one's boxes. */
  #pieces(text: string): Piece[] {
    if (this.#has(text)) return text === '' ? [] : [{ font: this.#font, text }];
    const { fallback } = this.#others;
    const pieces: { font: Font; text: string }[] = [];
    const missing = new Set<string>();
    for (const { segment } of new Intl.Segmenter().segment(text)) {
      const other = this.#has(segment) ? undefined : fallback.fontFor(segment);
      if (!other && !this.#has(segment)) missing.add(segment);
      const font = other ?? this.#font;
      const drawn = drawable(segment, font);
      const last = pieces.at(-1);
      if (last?.font === font) last.text += drawn;
      else pieces.push({ font, text: drawn });
    }
    fallback.tell(missing);
    return pieces;
  }

  #has(text: string): boolean {
    return codePoints(text).every((code) => this.#font.hasGlyphForCodePoint(code));
  }
}

/** Share of a shortened text's letters that comes from its end. */
const SHARE_OF_THE_END = 0.4;

/**
 * The text as one line, without characters that move or hide letters. Joiners stay, which some scripts need, and the marks
 * that end a stretch of one direction.
 */
export function printable(text: string): string {
  return text
    .replaceAll(/\p{Cs}/gu, '\ufffd')
    .normalize('NFC')
    .replaceAll(/[\s\p{Z}\p{Cc}]+/gu, ' ')
    .replaceAll(/(?![\u200c-\u200f])\p{Cf}/gu, '');
}

/** Writes outlines as SVG path data and tracks the box of their ink. */
class Pen {
  readonly #parts: string[] = [];
  #left = Number.POSITIVE_INFINITY;
  #top = Number.POSITIVE_INFINITY;
  #right = Number.NEGATIVE_INFINITY;
  #bottom = Number.NEGATIVE_INFINITY;

  /**
   * Draws a glyph with its origin at (`x`, `y`). In fonts y grows upwards, in pictures downwards.
   * @param scale units of the picture in one of the font
   */
  draw(glyph: Glyph, scale: number, x: number, y: number): void {
    for (const { command, args } of glyph.path.commands) {
      const points: string[] = [];
      for (let i = 0; i < args.length; i += 2) {
        const px = x + args[i]! * scale;
        const py = y - args[i + 1]! * scale;
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
