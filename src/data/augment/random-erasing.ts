/** torchvision's RandomErasing with value 0: a random rectangle of the normalised picture becomes 0 (Zhong et al. 2017). */
import type { Generator } from '../../random/mt19937.ts';
import type { Box } from '../resize.ts';
import { expf, roundHalfEven } from '../transforms.ts';

const TRIES = 10;
const SCALE = [0.02, 0.33] as const;
/** Logarithms of 0.3 and 3.3, as torch takes them in float32. */
const LOG_RATIO = [-1.2039728164672852, 1.1939224004745483] as const;

/**
 * Draws a rectangle as `RandomErasing` does: 1 draw, and with `probability` 2 more per try and 2 for the position.
 * @param size side of the square picture, pixels
 */
export function drawErasing(generator: Generator, size: number, probability: number): Box | undefined {
  if (generator.rand() >= probability) return undefined;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const area = size * size * generator.uniform(...SCALE);
    const aspect = expf(generator.uniform(...LOG_RATIO));
    const height = roundHalfEven(Math.sqrt(area * aspect));
    const width = roundHalfEven(Math.sqrt(area / aspect));
    if (height < size && width < size) {
      const top = generator.randint(size - height + 1);
      const left = generator.randint(size - width + 1);
      return { top, left, height, width };
    }
  }
  return undefined;
}

/**
 * Sets the rectangle to 0, the mean colour by which values are normalised.
 * @param values 3·size·size from `offset` on, channel by channel
 */
export function erase(values: Float32Array, offset: number, size: number, box: Box): void {
  const { top, left, height, width } = box;
  for (let channel = 0; channel < 3; channel++) {
    for (let y = top; y < top + height; y++) {
      const from = offset + (channel * size + y) * size + left;
      values.fill(0, from, from + width);
    }
  }
}
