/** torchvision's ColorJitter: brightness, contrast, saturation and hue in a random order. */
import type { Generator } from '../../random/mt19937.ts';
import type { Picture } from '../transforms.ts';
import { adjustBrightness, adjustContrast, adjustSaturation } from './enhance.ts';
import { adjustHue } from './hue.ts';

/** The most that each may change, as in `ColorJitter(brightness, contrast, saturation, hue)`. */
export interface JitterStrength {
  /** The factor lies between 1 − this and 1 + this; 0 to 1. Also for contrast and saturation. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** Turns of the colour circle to either side; 0 to 0.5. */
  readonly hue: number;
}

/** What was drawn for one picture. */
export interface Jitter {
  /** The order: 0 is brightness, 1 contrast, 2 saturation, 3 hue. */
  readonly order: readonly number[];
  /** Of these four, in the same numbers: three factors, and the shift of the hue. */
  readonly amounts: readonly number[];
}

const STEPS = [adjustBrightness, adjustContrast, adjustSaturation, adjustHue] as const;

/** Draws as `ColorJitter.get_params` does if no strength is 0: 3 draws for the order and 4 for the amounts. */
export function drawJitter(generator: Generator, strength: JitterStrength): Jitter {
  const { brightness, contrast, saturation, hue } = strength;
  const order = [...generator.randperm(4)];
  const factors = [brightness, contrast, saturation].map((most) => generator.uniform(1 - most, 1 + most));
  return { order, amounts: [...factors, generator.uniform(-hue, hue)] };
}

/** Changes the picture in place. */
export function jitter(picture: Picture, { order, amounts }: Jitter): void {
  for (const step of order) STEPS[step]!(picture, amounts[step]!);
}
