/** torchvision's `adjust_hue` on a Pillow picture: to HSV with 8 bits each, the hue shifted, and back, in place. */
import type { Picture } from '../transforms.ts';

const { fround } = Math;

/** @param factor the shift in turns of the colour circle, −0.5 to 0.5. A shift of 0 loses bits too, as in Pillow. */
export function adjustHue({ pixels }: Picture, factor: number): void {
  const shift = Math.trunc(factor * 255);
  for (let i = 0; i < pixels.length; i += 3) shiftHue(pixels, i, shift);
}

/** One pixel, as Pillow's `rgb2hsv` and `hsv2rgb` compute it, in its mixture of float32 and double. */
function shiftHue(pixels: Uint8Array, at: number, shift: number): void {
  const red = pixels[at]!;
  const green = pixels[at + 1]!;
  const blue = pixels[at + 2]!;
  const value = Math.max(red, green, blue);
  const range = value - Math.min(red, green, blue);
  // A grey has no hue, and saturation 0 gives the grey back.
  if (range === 0) return;
  const hue = (hueOf(red, green, blue, value, range) + shift) & 255;
  const saturation = Math.trunc(fround(range / value) * 255);
  if (saturation === 0) {
    pixels.fill(value, at, at + 3);
    return;
  }
  const sixths = (hue * 6) / 255;
  const sextant = Math.floor(sixths);
  const rest = fround(sixths - sextant);
  const share = fround(saturation / 255);
  const p = Math.round(value * (1 - share));
  const q = Math.round(value * (1 - fround(share * rest)));
  const t = Math.round(value * (1 - share * (1 - rest)));
  const [r, g, b] = SEXTANTS[sextant % 6]!;
  const levels = [value, p, q, t];
  pixels[at] = levels[r]!;
  pixels[at + 1] = levels[g]!;
  pixels[at + 2] = levels[b]!;
}

/** For each sixth of the circle, which of value, p, q and t red, green and blue are. */
const SEXTANTS = [
  [0, 3, 1],
  [2, 0, 1],
  [1, 0, 3],
  [1, 2, 0],
  [3, 1, 0],
  [0, 1, 2],
] as const;

function hueOf(red: number, green: number, blue: number, value: number, range: number): number {
  const r = fround((value - red) / range);
  const g = fround((value - green) / range);
  const b = fround((value - blue) / range);
  let hue: number;
  if (red === value) hue = fround(b - g);
  else if (green === value) hue = fround(2 + r - b);
  else hue = fround(4 + g - r);
  const turns = hue / 6 + 1;
  return Math.trunc(fround(turns >= 1 ? turns - 1 : turns) * 255);
}
