/**
 * torchvision's affine operations on Pillow pictures with nearest neighbours and black outside: shear, translate,
 * rotate, on interleaved RGB bytes, in place. Pillow walks the source in fixed point with 16 bits of fraction.
 */
import type { Picture } from '../transforms.ts';

/** From a place of the output to one of the source: x' = a·x + b·y + c, y' = d·x + e·y + f. */
type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Shifts each line by `level` times its distance from the top. */
export function shearX(picture: Picture, level: number): void {
  transform(picture, [1, tangentOf(level), 0, 0, 1, 0]);
}

/** Shifts each column by `level` times its distance from the left. */
export function shearY(picture: Picture, level: number): void {
  transform(picture, [1, 0, 0, tangentOf(level), 1, 0]);
}

/** torchvision turns the level into degrees and back, which may cost its last bit. */
function tangentOf(level: number): number {
  const degrees = Math.atan(level) * (180 / Math.PI);
  return Math.tan(degrees * (Math.PI / 180));
}

/** Moves to the right by whole pixels; a fraction of `distance` is cut off. */
export function translateX(picture: Picture, distance: number): void {
  transform(picture, [1, 0, -Math.trunc(distance), 0, 1, 0]);
}

/** Moves down by whole pixels; a fraction of `distance` is cut off. */
export function translateY(picture: Picture, distance: number): void {
  transform(picture, [1, 0, 0, 0, 1, -Math.trunc(distance)]);
}

/** Turns around the centre. @param degrees counterclockwise */
export function rotate(picture: Picture, degrees: number): void {
  const { width, height } = picture;
  // As Pillow: into 0…360 first, and sines with 15 digits, so that right angles are exact.
  const turned = degrees - 360 * Math.floor(degrees / 360);
  const angle = -(turned * (Math.PI / 180));
  const cos = Number(Math.cos(angle).toFixed(15));
  const sin = Number(Math.sin(angle).toFixed(15));
  const [x, y] = [width / 2, height / 2];
  transform(picture, [cos, sin, cos * -x + sin * -y + x, -sin, cos, -sin * -x + cos * -y + y]);
}

function fixed(value: number): number {
  return Math.floor(value * 65536 + 0.5);
}

/** Each pixel of the output is that of the source where the matrix takes its centre, or black. */
function transform({ width, height, pixels }: Picture, [a, b, c, d, e, f]: Matrix): void {
  // Not slice(): that of a Buffer is no copy.
  const source = new Uint8Array(pixels);
  pixels.fill(0);
  const [stepX, stepY] = [fixed(a), fixed(d)];
  let lineX = fixed(c + a * 0.5 + b * 0.5);
  let lineY = fixed(f + d * 0.5 + e * 0.5);
  for (let y = 0; y < height; y++) {
    let [atX, atY] = [lineX, lineY];
    for (let to = y * width * 3; to < (y + 1) * width * 3; to += 3) {
      const [fromX, fromY] = [atX >> 16, atY >> 16];
      if (fromX >= 0 && fromX < width && fromY >= 0 && fromY < height) {
        const from = (fromY * width + fromX) * 3;
        pixels[to] = source[from]!;
        pixels[to + 1] = source[from + 1]!;
        pixels[to + 2] = source[from + 2]!;
      }
      atX += stepX;
      atY += stepY;
    }
    lineX += fixed(b);
    lineY += fixed(e);
  }
}
