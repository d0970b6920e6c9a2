/**
 * The choices of `augment`: what happens to a training picture beside being cropped, flipped and normalised. All is
 * drawn beforehand, from the picture's own stream and in torch's order, so that a seed means the same as in PyTorch.
 *
 * - `light`: `RandomResizedCrop(size, scale=(0.5, 1))`, `RandomHorizontalFlip()`, `ColorJitter(0.2, 0.2, 0.2, 0.05)`.
 * - `strong`: `RandomResizedCrop(size)`, `RandomHorizontalFlip()`, `TrivialAugmentWide()`, and `RandomErasing(p=0.1)` after
 *   `Normalize`, as torchvision's own training recipe has them.
 */
import type { Generator } from '../../random/mt19937.ts';
import type { Box } from '../resize.ts';
import type { Picture, Policy } from '../transforms.ts';
import { drawJitter, type Jitter, type JitterStrength, jitter } from './color-jitter.ts';
import { drawErasing } from './random-erasing.ts';
import { applyTrivial, drawTrivial, type TrivialOp } from './trivial-augment.ts';

/** What is drawn for one picture after its crop and flip. */
export interface Augmentation {
  readonly jitter?: Jitter;
  readonly op?: TrivialOp;
  /** The rectangle of the finished picture that becomes 0. */
  readonly erased?: Box | undefined;
}

const LIGHT_SCALE = 0.5;
const LIGHT_JITTER: JitterStrength = { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05 };
const STRONG_ERASING = 0.1;

/** The least share of a picture's area that its crop shows; the tutorial's if undefined. */
export function scaleOf(policy: Policy | undefined): number | undefined {
  return policy === 'light' ? LIGHT_SCALE : undefined;
}

/** @param size side of the finished picture, pixels */
export function drawAugmentation(generator: Generator, policy: Policy, size: number): Augmentation {
  if (policy === 'light') return { jitter: drawJitter(generator, LIGHT_JITTER) };
  return { op: drawTrivial(generator), erased: drawErasing(generator, size, STRONG_ERASING) };
}

/** Changes the cropped picture in place; the rectangle is erased later, by `erase`. */
export function augmentPixels(picture: Picture, augmentation: Augmentation): void {
  const { jitter: colours, op } = augmentation;
  if (colours) jitter(picture, colours);
  if (op) applyTrivial(picture, op);
}

/** Mirrors each line, in place, as `RandomHorizontalFlip` does. */
export function flipPixels({ width, height, pixels }: Picture): void {
  const line = width * 3;
  for (let start = 0; start < height * line; start += line) {
    for (let [left, right] = [start, start + line - 3]; left < right; left += 3, right -= 3) {
      for (let c = 0; c < 3; c++) {
        const kept = pixels[left + c]!;
        pixels[left + c] = pixels[right + c]!;
        pixels[right + c] = kept;
      }
    }
  }
}
