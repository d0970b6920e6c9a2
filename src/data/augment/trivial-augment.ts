/**
 * torchvision 0.14's TrivialAugmentWide: one random operation of random strength (Müller and Hutter 2021). RandAugment
 * does as well only once its two numbers are tuned for the data; this has none.
 */
import type { Generator } from '../../random/mt19937.ts';
import type { Picture } from '../transforms.ts';
import { rotate, shearX, shearY, translateX, translateY } from './affine.ts';
import { adjustBrightness, adjustContrast, adjustSaturation, adjustSharpness } from './enhance.ts';
import { autocontrast, equalize, posterize, solarize } from './levels.ts';

/** One operation with its strength, whose meaning depends on it. */
export interface TrivialOp {
  readonly name: TrivialName;
  readonly magnitude: number;
}

interface Operation {
  /** The strengths to draw from; none for an operation that has no strength. */
  readonly magnitudes: readonly number[];
  /** Whether the sign is drawn too. */
  readonly signed: boolean;
  readonly apply: (picture: Picture, magnitude: number) => void;
}

const BINS = 31;

/** `torch.linspace(from, to, 31)` in float32, which counts from both ends. */
function linspace(from: number, to: number): number[] {
  const f = Math.fround;
  const step = f(f(f(to) - f(from)) / (BINS - 1));
  return Array.from({ length: BINS }, (_, i) =>
    i < Math.floor(BINS / 2) ? f(from + f(step * i)) : f(f(to) - f(step * (BINS - 1 - i))),
  );
}

/** Python's int(round(x)) of i / 5: no half comes out of that. */
const POSTERIZE_BITS = Array.from({ length: BINS }, (_, i) => 8 - Math.round(i / 5));

const signed = (most: number, apply: Operation['apply']): Operation => ({
  magnitudes: linspace(0, most),
  signed: true,
  apply,
});
const plain = (apply: Operation['apply'], magnitudes: readonly number[] = []): Operation => ({
  magnitudes,
  signed: false,
  apply,
});
/** Blends with 1 + the magnitude. */
const enhance = (apply: Operation['apply']): Operation =>
  signed(0.99, (picture, magnitude) => apply(picture, 1 + magnitude));

/** In torchvision's order, under its names. */
const OPERATIONS = {
  Identity: plain(() => {}),
  ShearX: signed(0.99, shearX),
  ShearY: signed(0.99, shearY),
  TranslateX: signed(32, translateX),
  TranslateY: signed(32, translateY),
  Rotate: signed(135, rotate),
  Brightness: enhance(adjustBrightness),
  Color: enhance(adjustSaturation),
  Contrast: enhance(adjustContrast),
  Sharpness: enhance(adjustSharpness),
  Posterize: plain(posterize, POSTERIZE_BITS),
  Solarize: plain(solarize, linspace(255, 0)),
  AutoContrast: plain(autocontrast),
  Equalize: plain(equalize),
} as const satisfies Record<string, Operation>;

export type TrivialName = keyof typeof OPERATIONS;
/** The names of the operations, in torchvision's order. */
export const TRIVIAL_NAMES = Object.keys(OPERATIONS) as readonly TrivialName[];

/** Draws as `TrivialAugmentWide` does: the operation, its strength if it has one, and the sign if it has one. */
export function drawTrivial(generator: Generator): TrivialOp {
  const name = TRIVIAL_NAMES[generator.randint(TRIVIAL_NAMES.length)]!;
  const { magnitudes, signed: hasSign } = OPERATIONS[name];
  const magnitude = magnitudes.length > 0 ? magnitudes[generator.randint(magnitudes.length)]! : 0;
  return { name, magnitude: hasSign && generator.randint(2) === 1 ? -magnitude : magnitude };
}

/** Changes the picture in place. */
export function applyTrivial(picture: Picture, { name, magnitude }: TrivialOp): void {
  OPERATIONS[name].apply(picture, magnitude);
}
