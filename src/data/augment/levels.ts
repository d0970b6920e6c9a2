/** Pillow's `ImageOps` that give each level of each channel another one, on interleaved RGB bytes, in place. */
import type { Picture } from '../transforms.ts';

const LEVELS = 256;

/** @param bits how many of each byte's high bits stay, 1 to 8 */
export function posterize({ pixels }: Picture, bits: number): void {
  const mask = ~(2 ** (8 - bits) - 1);
  for (let i = 0; i < pixels.length; i++) pixels[i] = pixels[i]! & mask;
}

/** Inverts the levels from `threshold` on. */
export function solarize({ pixels }: Picture, threshold: number): void {
  for (let i = 0; i < pixels.length; i++) if (pixels[i]! >= threshold) pixels[i] = 255 - pixels[i]!;
}

/** Stretches each channel's levels to 0…255. */
export function autocontrast({ pixels }: Picture): void {
  byChannel(pixels, (histogram) => {
    const low = histogram.findIndex((count) => count > 0);
    const high = histogram.findLastIndex((count) => count > 0);
    if (high <= low) return undefined;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    // A clamped array would round.
    return Uint8ClampedArray.from({ length: LEVELS }, (_, level) => Math.trunc(level * scale + offset));
  });
}

/** Spreads each channel's levels so that all are about equally frequent. */
export function equalize({ pixels }: Picture): void {
  byChannel(pixels, (histogram) => {
    const used = histogram.filter((count) => count > 0);
    const step = Math.floor((pixels.length / 3 - used.at(-1)!) / 255);
    if (used.length <= 1 || step === 0) return undefined;
    let below = Math.floor(step / 2);
    return Uint8ClampedArray.from(histogram, (count) => {
      const level = Math.floor(below / step);
      below += count;
      return level;
    });
  });
}

/** Applies to each channel the table that is made of its histogram, if there is one. */
function byChannel(pixels: Uint8Array, tableOf: (histogram: Uint32Array) => Uint8ClampedArray | undefined): void {
  for (let channel = 0; channel < 3; channel++) {
    const histogram = new Uint32Array(LEVELS);
    for (let i = channel; i < pixels.length; i += 3) histogram[pixels[i]!]!++;
    const table = tableOf(histogram);
    if (table) for (let i = channel; i < pixels.length; i += 3) pixels[i] = table[pixels[i]!]!;
  }
}
