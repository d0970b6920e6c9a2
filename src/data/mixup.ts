/**
 * Mixup (Zhang et al. 2018) as torchvision's reference recipe does it: every picture of a batch is mixed with the one
 * before it, the first with the last, in one share for the whole batch.
 */
import { sampleBeta } from '../random/beta.ts';
import type { Generator } from '../random/mt19937.ts';

/**
 * Draws the share of each picture in its mixture, from 0 to 1, as torchvision's `RandomMixup(p=1)` does: one draw to
 * decide whether to mix, and those of Beta(alpha, alpha).
 */
export function drawMix(generator: Generator, alpha: number): number {
  generator.rand();
  return sampleBeta(generator, alpha);
}

/**
 * Mixes in place: picture i becomes `share` · picture i + (1 − share) · picture i − 1, rounded to float32 after each
 * step, as torch does.
 * @param images `size` pictures of equally many numbers
 */
export function mixPictures(images: Float32Array, size: number, share: number): void {
  const { fround } = Math;
  const numbers = images.length / size;
  const [own, other] = [fround(share), fround(1 - share)];
  const last = images.slice(images.length - numbers);
  for (let at = images.length - 1; at >= numbers; at--) {
    images[at] = fround(images[at]! * own) + fround(images[at - numbers]! * other);
  }
  for (let at = 0; at < numbers; at++) images[at] = fround(images[at]! * own) + fround(last[at]! * other);
}
