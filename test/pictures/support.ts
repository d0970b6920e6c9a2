/** Shared by the tests of pictures: pictures to draw, and access to drawn pixels. */
import sharp from 'sharp';
import { Generator, type Picture } from '../../src/data/index.ts';

/** Random pixels: no two such pictures are alike, and none equals its mirror image. */
export function noise(width: number, height = width, seed = 1): Picture {
  const random = new Generator(seed);
  return { width, height, pixels: Uint8Array.from({ length: width * height * 3 }, () => random.randint(256)) };
}

export function plain(side: number, value = 200): Picture {
  return { width: side, height: side, pixels: new Uint8Array(side * side * 3).fill(value) };
}

export interface Pixels extends Picture {
  /** Red, green and blue. */
  at(x: number, y: number): readonly [number, number, number];
  /** Lightness from 0, black, to 255, white, as in a greyscale print. */
  grey(x: number, y: number): number;
}

/** @throws if it is not an RGB picture without alpha */
export async function pixelsOf(png: Buffer): Promise<Pixels> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`expected 3 channels, found ${info.channels}`);
  const { width, height } = info;
  const at = (x: number, y: number) => {
    const from = (y * width + x) * 3;
    return [data[from]!, data[from + 1]!, data[from + 2]!] as const;
  };
  const grey = (x: number, y: number) => {
    const [red, green, blue] = at(x, y);
    return Math.round(0.2126 * red + 0.7152 * green + 0.0722 * blue);
  };
  return { width, height, pixels: data, at, grey };
}

/** Whether nothing is drawn within `depth` pixels of the edge: content that touches it may have been cut off. */
export function hasWhiteEdge({ width, height, grey }: Pixels, depth = 8): boolean {
  for (let i = 0; i < depth; i++) {
    for (let x = 0; x < width; x++) if (grey(x, i) < 255 || grey(x, height - 1 - i) < 255) return false;
    for (let y = 0; y < height; y++) if (grey(i, y) < 255 || grey(width - 1 - i, y) < 255) return false;
  }
  return true;
}

/** Whether two pictures are equal to the last byte. Comparing large arrays element by element would take seconds. */
export function samePixels(a: Picture, b: Picture): boolean {
  return a.width === b.width && a.height === b.height && Buffer.from(a.pixels).equals(Buffer.from(b.pixels));
}

/** Names chosen to break something. */
export const HARD_NAMES = [
  'a',
  'golden_retriever_with_a_very_long_name_that_goes_on_and_on_beyond_any_picture',
  '<script>alert("1")</script>',
  "black & white 'quoted' ]]> &amp; --",
  'line\nbreak\tand tab',
  'Ἀριστοτέλης',
  'пчёлы',
  '中文',
  'العربية',
  'e\u0301toile',
  '👨‍👩‍👧‍👦',
  '\ud800 alone',
  '\u202eright to left',
  ' ',
] as const;
