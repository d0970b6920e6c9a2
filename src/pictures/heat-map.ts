/** A picture under a heat map, and pictures for pages. */
import { loadSharp, type Picture } from '../data/index.ts';

/**
 * Cividis, from cold to hot: its lightness rises evenly, and people who see no red or no green see it nearly as others do
 * (J. R. Nuñez et al., "Optimizing colormaps with consideration for color vision deficiency", 2018).
 */
export const HEAT_COLOURS = [
  '#00224e',
  '#123570',
  '#3b496c',
  '#575d6d',
  '#707173',
  '#8a8678',
  '#a59c74',
  '#c3b369',
  '#e1cc55',
  '#fee838',
] as const;

const STOPS = HEAT_COLOURS.map((colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)));

/** How much of a pixel is colour where it is cold and where it is hot; the rest is the picture in grey. */
const COVER = { cold: 0.45, hot: 0.72 };

/**
 * The picture in grey under the colours of its heat.
 * @param heat a value of at least 0 for each pixel; the largest is the hottest colour
 */
export function underHeat({ width, height, pixels }: Picture, heat: Float32Array): Picture {
  const most = heat.reduce((high, value) => Math.max(high, value), 0);
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < width * height; i++) {
    const share = most > 0 ? heat[i]! / most : 0;
    const cover = COVER.cold + (COVER.hot - COVER.cold) * share;
    const at = i * 3;
    // ITU-R BT.601, as Pillow's convert('L').
    const grey = 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
    for (let c = 0; c < 3; c++) out[at + c] = Math.round((1 - cover) * grey + cover * colourAt(share, c));
  }
  return { width, height, pixels: out };
}

function colourAt(share: number, channel: number): number {
  const place = share * (STOPS.length - 1);
  const before = Math.min(Math.floor(place), STOPS.length - 2);
  const [low, high] = [STOPS[before]![channel]!, STOPS[before + 1]![channel]!];
  return low + (high - low) * (place - before);
}

const QUALITY = 78;

/** @returns a JPEG whose longer side is at most `side` pixels */
export async function smallJpeg({ width, height, pixels }: Picture, side: number): Promise<Buffer> {
  const sharp = await loadSharp();
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: QUALITY, mozjpeg: true })
    .toBuffer();
}
