/**
 * Builds one picture: shapes and lines of text in units, photographs above them, a PNG at the end. Nothing here depends
 * on software or fonts installed on the machine.
 */
import { loadSharp, type Picture } from '../data/index.ts';
import type { Box, Outline, Typeface } from './text.ts';
import { COLOURS, DENSITY } from './theme.ts';

/** Dots per inch at which viewers that respect them show one unit as one point of the screen. */
const DOTS_PER_INCH = 72 * DENSITY;

/** A picture and its place in pixels. */
export interface PlacedPicture {
  readonly picture: Picture;
  readonly left: number;
  readonly top: number;
}

/** A line of text and the box of its ink in units. */
export interface PlacedText {
  readonly text: string;
  readonly box: Box | undefined;
}

export interface TextStyle {
  readonly face: Typeface;
  readonly size: number;
  readonly colour?: string;
}

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly #shapes: string[] = [];
  readonly #pictures: PlacedPicture[] = [];
  readonly #texts: PlacedText[] = [];

  /** Creates a white canvas. @param width, height whole units */
  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
  }

  get pictures(): readonly PlacedPicture[] {
    return this.#pictures;
  }

  get texts(): readonly PlacedText[] {
    return this.#texts;
  }

  /** Adds SVG elements, in units. They must not hold text: it would need the machine's fonts. */
  add(svg: string): void {
    this.#shapes.push(svg);
  }

  /** Adds one SVG element without content. Values are not escaped, so they must be numbers or fixed words. */
  shape(name: string, attributes: Readonly<Record<string, string | number>>): void {
    const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`);
    this.add(`<${name}${list.join('')}/>`);
  }

  /** Adds a line of text whose baseline starts at (`x`, `y`). */
  text(text: string, x: number, y: number, { face, size, colour = COLOURS.ink }: TextStyle): Outline {
    const outline = face.outline(text, size, x, y);
    this.#texts.push({ text, box: outline.box });
    if (outline.path) this.shape('path', { d: outline.path, fill: colour });
    return outline;
  }

  /** Adds a picture, pixel for pixel, above all shapes. @param left, top units */
  picture(picture: Picture, left: number, top: number): void {
    this.#pictures.push({ picture, left: left * DENSITY, top: top * DENSITY });
  }

  /** The shapes and texts as an SVG document, without the pictures. */
  svg(): string {
    const { width, height } = this;
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width * DENSITY}" height="${height * DENSITY}" ` +
      `viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="${COLOURS.paper}"/>` +
      `${this.#shapes.join('')}</svg>`
    );
  }

  async png(): Promise<Buffer> {
    const sharp = await loadSharp();
    const pictures = this.#pictures.map(({ picture: { pixels, width, height }, left, top }) => ({
      input: Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength),
      raw: { width, height, channels: 3 as const },
      left,
      top,
    }));
    return sharp(Buffer.from(this.svg())).composite(pictures).removeAlpha().withDensity(DOTS_PER_INCH).png().toBuffer();
  }
}
