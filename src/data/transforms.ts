/**
 * The tutorial's two transforms as torchvision 0.14 computes them on Pillow pictures. Train is RandomResizedCrop(size)
 * + RandomHorizontalFlip, val is Resize(resize) + CenterCrop(size). Both end in ToTensor and Normalize, by default with
 * ImageNet's statistics. Random parameters are drawn separately from the pixels: one thread draws them in torch's order
 * while others compute.
 */
import { IMAGENET_INPUT, type InputSpec, type Interpolation, type Statistics } from '../input-spec.ts';
import type { Generator } from '../random/mt19937.ts';
import { type Box, type ResizeScratch, resize as resizePixels } from './resize.ts';

/** Mean of each channel (red, green, blue) of ImageNet's pictures, for values from 0 to 1. */
export const IMAGENET_MEAN: readonly number[] = IMAGENET_INPUT.mean;
/** Standard deviation of each channel (red, green, blue) of ImageNet's pictures, for values from 0 to 1. */
export const IMAGENET_STD: readonly number[] = IMAGENET_INPUT.std;

/** How pixels are resized, and what their values become. By default as in the tutorial. */
interface Rendering {
  /** Default `bilinear`. */
  readonly interpolation?: Interpolation | undefined;
  /** Default: ImageNet's. */
  readonly statistics?: Statistics | undefined;
}

/** A crop of random size and shape, resized to a square, flipped with probability 1/2, then normalised. */
export interface TrainTransform extends Rendering {
  readonly kind: 'train';
  /** Side of the square output, pixels. */
  readonly size: number;
  /** What else changes the picture; nothing by default, as in the tutorial. */
  readonly augment?: Policy | undefined;
}

/** Random changes beyond the tutorial's crop and flip: see `augment/policy.ts`. */
export const POLICIES = ['light', 'strong'] as const;
export type Policy = (typeof POLICIES)[number];

/** The centre square of the resized picture, normalised. Not random. */
export interface ValTransform extends Rendering {
  readonly kind: 'val';
  /** Side of the square output, pixels. */
  readonly size: number;
  /** Length of the shorter side before the centre crop, pixels. */
  readonly resize: number;
}

/** The transform of a picture to the network's input: `[3, size, size]` of float32. */
export type Transform = TrainTransform | ValTransform;

/** The transform of training for a network that takes such pictures. @param augment by default nothing, as in the tutorial */
export function trainTransform(input: InputSpec, augment?: Policy | undefined): TrainTransform {
  return { kind: 'train', size: input.crop, ...renderingOf(input), ...(augment && { augment }) };
}

/** The transform of validation for a network that takes such pictures. */
export function valTransform(input: InputSpec): ValTransform {
  return { kind: 'val', size: input.crop, resize: input.resize, ...renderingOf(input) };
}

function renderingOf({ interpolation, mean, std }: InputSpec): Rendering {
  return { interpolation, statistics: { mean, std } };
}

/** The tutorial's transform for training. */
export const TRAIN_TRANSFORM: TrainTransform = trainTransform(IMAGENET_INPUT);
/** The tutorial's transform for validation. */
export const VAL_TRANSFORM: ValTransform = valTransform(IMAGENET_INPUT);

/** A decoded picture: interleaved RGB, width·height·3 bytes. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

const TRIES = 10;
const SCALE_MIN = 0.08;
const SCALE_MAX = 1;
const RATIO_MIN = 3 / 4;
const RATIO_MAX = 4 / 3;
// torch takes the logarithms in float32, where log 4/3 is not minus log 3/4.
const LOG_RATIO_MIN = -0.28768208622932434;
const LOG_RATIO_MAX = 0.28768211603164673;

/**
 * Draws a crop as `RandomResizedCrop.get_params` does: 2 draws per try and 2 for the position, or 20 for the fallback.
 * @param scaleMin the least share of the picture's area; at most 1
 */
export function drawResizedCrop(generator: Generator, width: number, height: number, scaleMin = SCALE_MIN): Box {
  const area = width * height;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const targetArea = area * generator.uniform(scaleMin, SCALE_MAX);
    const aspect = expf(generator.uniform(LOG_RATIO_MIN, LOG_RATIO_MAX));
    const w = roundHalfEven(Math.sqrt(targetArea * aspect));
    const h = roundHalfEven(Math.sqrt(targetArea / aspect));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const top = generator.randint(height - h + 1);
      const left = generator.randint(width - w + 1);
      return { top, left, height: h, width: w };
    }
  }
  const ratio = width / height;
  const w = ratio > RATIO_MAX ? roundHalfEven(height * RATIO_MAX) : width;
  const h = ratio < RATIO_MIN ? roundHalfEven(width / RATIO_MIN) : height;
  return { top: (height - h) >> 1, left: (width - w) >> 1, height: h, width: w };
}

/** Draws whether to flip the picture, as `RandomHorizontalFlip` does. One draw. */
export function drawFlip(generator: Generator): boolean {
  return generator.rand() < 0.5;
}

/** Python's `round` for non-negative values: a half goes to the even neighbour. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * e^x in float32 as torch 1.13's vectorised exp computes it for −104 < x < 88 (Sleef's expf). `Math.exp` rounded to
 * float32 differs by one unit for 7 % of the arguments that crops use.
 */
export function expf(x: number): number {
  const f = Math.fround;
  // x = q·ln 2 + s, with ln 2 in two parts.
  const q = Math.round(f(x * Math.fround(Math.LOG2E)));
  const s = f(q * -LN2_LOW + f(q * -LN2_HIGH + x));
  let u = EXP_POLYNOMIAL[0]!;
  for (let i = 1; i < EXP_POLYNOMIAL.length; i++) u = f(u * s + EXP_POLYNOMIAL[i]!);
  return f(1 + f(f(s * s) * u + s)) * 2 ** q;
}

const LN2_HIGH = Math.fround(0.693145751953125);
const LN2_LOW = Math.fround(1.428606765330187e-6);

/** Highest power first; float32. */
const EXP_POLYNOMIAL = Float32Array.of(
  0.00019852761761285365,
  0.0013930435525253415,
  0.008333360776305199,
  0.041666485369205475,
  0.1666666716337204,
  0.5,
);

/** The picture's `box`, resized to the transform's square; interleaved RGB bytes. */
export function resizedCrop(
  picture: Picture,
  box: Box,
  { size, interpolation }: Pick<TrainTransform, 'size' | 'interpolation'>,
  out: Uint8Array,
  scratch?: ResizeScratch,
): Uint8Array {
  return resizePixels(picture.pixels, picture.width, box, size, size, { interpolation, out, scratch });
}

/** `Resize(resize)`: the shorter side becomes `resize`; the longer is truncated to whole pixels. */
export function resizeShorterSide(picture: Picture, resize: number, interpolation?: Interpolation): Picture {
  const { width, height } = resizedSize(picture, resize);
  const pixels = resizePixels(picture.pixels, picture.width, wholeOf(picture), width, height, { interpolation });
  return { width, height, pixels };
}

function resizedSize({ width, height }: Picture, resize: number): { width: number; height: number } {
  const longer = Math.trunc((resize * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: resize, height: longer } : { width: longer, height: resize };
}

function wholeOf({ width, height }: Picture): Box {
  return { top: 0, left: 0, height, width };
}

/** `CenterCrop(size)`: pads with black if the picture is smaller than the crop. */
export function centerCrop(
  picture: Picture,
  size: number,
  out: Uint8Array = new Uint8Array(size * size * 3),
): Uint8Array {
  const { width, height, pixels } = picture;
  const x = centre(width, size);
  const y = centre(height, size);
  if (x.length < size || y.length < size) out.fill(0);
  for (let row = 0; row < y.length; row++) {
    const from = ((y.from + row) * width + x.from) * 3;
    out.set(pixels.subarray(from, from + x.length * 3), ((y.to + row) * size + x.to) * 3);
  }
  return out;
}

/** One axis of a centre crop: copies `length` pixels from `from` in the picture to `to` in the output. */
function centre(length: number, size: number): { from: number; to: number; length: number } {
  if (length < size) return { from: 0, to: (size - length) >> 1, length };
  return { from: roundHalfEven((length - size) / 2), to: 0, length: size };
}

/**
 * The pixel part of the val transform: `Resize(resize)` and `CenterCrop(size)`. Only the pixels of the crop are resized:
 * a picture of 1×1,000,000 would become one of 256 million rows.
 */
export function valCrop(
  picture: Picture,
  transform: ValTransform,
  out?: Uint8Array,
  scratch?: ResizeScratch,
): Uint8Array {
  const { size, resize, interpolation } = transform;
  const { width, height } = resizedSize(picture, resize);
  const x = centre(width, size);
  const y = centre(height, size);
  const window: Box = { top: y.from, left: x.from, height: y.length, width: x.length };
  const whole = wholeOf(picture);
  const options = { interpolation, scratch, window };
  const resized = (to?: Uint8Array) =>
    resizePixels(picture.pixels, picture.width, whole, width, height, { ...options, out: to });
  if (x.length === size && y.length === size) return resized(out);
  return centerCrop({ width: x.length, height: y.length, pixels: resized() }, size, out);
}

/** `ToTensor` and `Normalize` of all 3×256 byte values; rounded to float32 after each step, as in torch. */
function normalizeTable({ mean, std }: Statistics): Float32Array {
  const f = Math.fround;
  const table = new Float32Array(3 * 256);
  for (let channel = 0; channel < 3; channel++) {
    for (let value = 0; value < 256; value++) {
      table[channel * 256 + value] = f(f(f(value / 255) - f(mean[channel]!)) / f(std[channel]!));
    }
  }
  return table;
}

/** The table that was used last: all pictures of a run have the same statistics, of which a thread gets a copy with each job. */
let known = { key: keyOf(IMAGENET_INPUT), table: normalizeTable(IMAGENET_INPUT) };

function keyOf({ mean, std }: Statistics): string {
  return [...mean, ...std].join();
}

function tableOf(statistics: Statistics): Float32Array {
  const key = keyOf(statistics);
  if (key !== known.key) known = { key, table: normalizeTable(statistics) };
  return known.table;
}

/**
 * `ToTensor` and `Normalize`, with a horizontal flip if `flip` is true.
 *
 * @param pixels size×size interleaved RGB bytes
 * @param out receives 3·size·size float32 from `offset`, channel by channel
 * @param statistics default: ImageNet's
 */
export function normalize(
  pixels: Uint8Array,
  size: number,
  flip: boolean,
  out: Float32Array,
  offset = 0,
  statistics: Statistics = IMAGENET_INPUT,
): void {
  const table = tableOf(statistics);
  const plane = size * size;
  const step = flip ? -1 : 1;
  let from = 0;
  for (let y = 0; y < size; y++) {
    let to = offset + y * size + (flip ? size - 1 : 0);
    for (let x = 0; x < size; x++) {
      out[to] = table[pixels[from]!]!;
      out[to + plane] = table[256 + pixels[from + 1]!]!;
      out[to + 2 * plane] = table[512 + pixels[from + 2]!]!;
      from += 3;
      to += step;
    }
  }
}
