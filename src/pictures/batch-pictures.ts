/** Turns a network's input values back into pictures. */
import type { Picture } from '../data/index.ts';
import { IMAGENET_INPUT, type Statistics } from '../input-spec.ts';

/**
 * Picture `index` of a batch with its normalisation undone: exactly the bytes that were normalised.
 * @param images [size, 3, side, side], NCHW, normalised
 * @param statistics by which they are normalised; default: ImageNet's
 */
export function pictureOf(
  images: Float32Array,
  size: number,
  index: number,
  statistics: Statistics = IMAGENET_INPUT,
): Picture {
  const plane = images.length / size / 3;
  const side = Math.sqrt(plane);
  const pixels = new Uint8Array(plane * 3);
  for (let channel = 0; channel < 3; channel++) {
    const [mean, std] = [statistics.mean[channel]!, statistics.std[channel]!];
    const from = (index * 3 + channel) * plane;
    for (let i = 0; i < plane; i++) {
      pixels[i * 3 + channel] = Math.min(255, Math.max(0, Math.round((images[from + i]! * std + mean) * 255)));
    }
  }
  return { width: side, height: side, pixels };
}
