/**
 * All random values of one epoch, drawn before any picture is opened, in the order of torch 1.13's DataLoader. With
 * workers, torch gives each its own generator, seeded from the main one. Without workers, all draws use the main one.
 */
import { Generator } from '../random/mt19937.ts';
import type { Box } from './resize.ts';
import { drawFlip, drawResizedCrop } from './transforms.ts';

/** One picture of an epoch. */
export interface Draw {
  /** Index of the sample in the data set. */
  readonly index: number;
  /** The train transform's random parameters; the val transform draws none. */
  readonly crop?: { readonly box: Box; readonly flip: boolean };
}

/** All inputs that decide which random values an epoch draws. */
export interface EpochShape {
  /** Samples in the data set. */
  readonly count: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  /** torch's num_workers. */
  readonly workers: number;
  /** Widths and heights in pairs, if crops are drawn. */
  readonly sizes: Int32Array | undefined;
  /** Stop after this many pictures, like a consumer that stops early. */
  readonly limit?: number | undefined;
}

/** Draws one epoch and advances `main` as torch would. */
export function drawEpoch(main: Generator, shape: EpochShape): Draw[] {
  const { count, batchSize, shuffle, workers, sizes, limit = count } = shape;
  // The iterator draws its base seed first, even without workers. Then the sampler seeds its own generator.
  const baseSeed = main.randomSeed();
  const order = shuffle
    ? new Generator(main.randomSeed()).randperm(count)
    : Int32Array.from({ length: count }, (_, i) => i);
  const streams = workers === 0 ? [main] : Array.from({ length: workers }, (_, w) => new Generator(baseSeed + w));
  return Array.from(order.subarray(0, limit), (index, place) => {
    if (!sizes) return { index };
    const batch = Math.floor(place / batchSize);
    const stream = streams[batch % streams.length]!;
    const box = drawResizedCrop(stream, sizes[index * 2]!, sizes[index * 2 + 1]!);
    return { index, crop: { box, flip: drawFlip(stream) } };
  });
}
