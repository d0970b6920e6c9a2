/**
 * Resizes as Pillow does, which the network's pictures were resized by: each pixel is a weighted mean of all that it
 * covers. A canvas takes fewer, and its scores would differ.
 */

/** How far a pixel reaches at scale 1, and its weight at a distance. */
const FILTERS = {
  bilinear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    reach: 2,
    weight: (distance) => {
      const [x, a] = [Math.abs(distance), -0.5];
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  },
};

/**
 * @param {{ width: number, height: number, pixels: Uint8Array }} image interleaved RGB
 * @param {'bilinear' | 'bicubic'} interpolation
 * @returns {Uint8ClampedArray} interleaved RGB of the new size
 */
export function resize({ width, height, pixels }, toWidth, toHeight, interpolation) {
  const { reach, weight } = FILTERS[interpolation];
  const across = shares(width, toWidth, reach, weight);
  const rows = pass(pixels, across, { lines: height, along: 3, from: 3 * width, to: 3 * toWidth });
  const down = shares(height, toHeight, reach, weight);
  return pass(rows, down, { lines: toWidth, along: 3 * toWidth, from: 3, to: 3 });
}

/** For each new pixel, the first old one that it takes from, and the share of that and those after it. */
function shares(from, to, reach, weight) {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach * stretch + 0.5));
    const weights = Array.from({ length: end - first }, (_, k) => weight((first + k - centre + 0.5) / stretch));
    const sum = weights.reduce((total, one) => total + one, 0);
    return { first, weights: weights.map((one) => one / sum) };
  });
}

/**
 * One direction. Its result is rounded to whole values, as Pillow's is.
 * @param {{ lines: number, along: number, from: number, to: number }} layout how many lines there are, how far neighbours
 *   along one are apart, and how far lines, before and after
 */
function pass(pixels, taken, { lines, along, from, to }) {
  const result = new Uint8ClampedArray(3 * lines * taken.length);
  for (let line = 0; line < lines; line++) {
    for (const [i, { first, weights }] of taken.entries()) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (const [k, share] of weights.entries()) sum += share * pixels[line * from + (first + k) * along + channel];
        result[line * to + i * along + channel] = Math.floor(sum + 0.5);
      }
    }
  }
  return result;
}
