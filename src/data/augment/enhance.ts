/**
 * Pillow's `ImageEnhance` on interleaved RGB bytes, in place: brightness, contrast, colour (saturation) and sharpness,
 * as torchvision's `adjust_*` call it. Each blends the picture with a plainer one. Pillow computes in float32, so every
 * product and sum here is rounded to that.
 */
import type { Picture } from '../transforms.ts';

const { fround } = Math;

/** `Image.blend` of one byte: the plainer value at factor 0, the picture's at 1, clipped beyond. */
function blend(plain: number, value: number, factor: number): number {
  const mixed = fround(plain + fround(factor * (value - plain)));
  if (mixed <= 0) return 0;
  return mixed >= 255 ? 255 : Math.trunc(mixed);
}

/** Pillow's luma of an RGB pixel (ITU-R 601-2 in 16-bit fixed point), 0 to 255. */
function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/** Replaces each byte by that of a table of 256. */
function lookUp(pixels: Uint8Array, table: ArrayLike<number>): void {
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[pixels[i]!]!;
}

function blendAll(pixels: Uint8Array, plain: number, factor: number): void {
  const alpha = fround(factor);
  lookUp(
    pixels,
    Uint8Array.from({ length: 256 }, (_, value) => blend(plain, value, alpha)),
  );
}

/** @param factor 0 is black, 1 changes nothing */
export function adjustBrightness({ pixels }: Picture, factor: number): void {
  blendAll(pixels, 0, factor);
}

/** @param factor 0 is the mean grey everywhere, 1 changes nothing */
export function adjustContrast({ pixels }: Picture, factor: number): void {
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 3) sum += luma(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!);
  blendAll(pixels, Math.trunc(sum / (pixels.length / 3) + 0.5), factor);
}

/** @param factor 0 is grey, 1 changes nothing */
export function adjustSaturation({ pixels }: Picture, factor: number): void {
  const alpha = fround(factor);
  for (let i = 0; i < pixels.length; i += 3) {
    const grey = luma(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!);
    for (let c = i; c < i + 3; c++) pixels[c] = blend(grey, pixels[c]!, alpha);
  }
}

/** @param factor 0 is smoothed, 1 changes nothing, 2 is sharpened */
export function adjustSharpness(picture: Picture, factor: number): void {
  const { pixels } = picture;
  const alpha = fround(factor);
  const smooth = smoothed(picture);
  for (let i = 0; i < pixels.length; i++) pixels[i] = blend(smooth[i]!, pixels[i]!, alpha);
}

const AROUND = fround(1 / 13);
const CENTRE = fround(5 / 13);

/** `ImageFilter.SMOOTH`: the weights 1 around 5, over 13. The border keeps its pixels, and so do pictures without inside. */
function smoothed({ width, height, pixels }: Picture): Uint8Array {
  // Not slice(): that of a Buffer is no copy.
  const out = new Uint8Array(pixels);
  const row = width * 3;
  const line = (at: number, centre: number) =>
    fround(fround(fround(pixels[at - 3]! * AROUND) + fround(pixels[at]! * centre)) + fround(pixels[at + 3]! * AROUND));
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * row + 3; at < (y + 1) * row - 3; at++) {
      // Pillow's order: from the line below to the one above.
      const sum = fround(fround(fround(0.5 + line(at + row, AROUND)) + line(at, CENTRE)) + line(at - row, AROUND));
      out[at] = Math.min(255, Math.trunc(sum));
    }
  }
  return out;
}
