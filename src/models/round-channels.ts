/** Widths of layers as mobile networks round them. */

/**
 * The multiple of 8 nearest to a width, but at least 8, and no less than nine tenths of it (torchvision's
 * `_make_divisible`).
 */
export function roundChannels(width: number): number {
  const rounded = Math.max(8, Math.floor((width + 4) / 8) * 8);
  return rounded < 0.9 * width ? rounded + 8 : rounded;
}
