/** Scales pictures to the room they have. */
import { loadSharp, type Picture } from '../data/index.ts';

/** Resamples a picture so that its longer side is `side` pixels. */
export async function resample({ pixels, width, height }: Picture, side: number): Promise<Picture> {
  const sharp = await loadSharp();
  const { data, info } = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(side, side, { fit: 'inside' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: data };
}

/** Turns every pixel into a square of `factor`×`factor`, so that each is visible even in a tiny picture. */
export function enlarge({ width, height, pixels }: Picture, factor: number): Picture {
  const row = width * factor * 3;
  const out = new Uint8Array(row * height * factor);
  for (let y = 0; y < height; y++) {
    const start = y * factor * row;
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      for (let i = 0; i < factor; i++) out.set(pixels.subarray(from, from + 3), start + (x * factor + i) * 3);
    }
    for (let i = 1; i < factor; i++) out.copyWithin(start + i * row, start, start + row);
  }
  return { width: width * factor, height: height * factor, pixels: out };
}
