/**
 * Everything random about one epoch, drawn in the order in which torch 1.13's DataLoader draws it, before any picture is
 * opened. With workers, torch gives each its own generator, seeded from the main one; without, all draw from that one.
 */
import { Generator } from '../random/mt19937.ts';
import type { Box } from './resize.ts';
import { drawFlip, drawResizedCrop } from './transforms.ts';

/** One picture of an epoch. */
export interface Draw {
  /** Which sample of the data set. */
  readonly index: number;
  /** What the train transform drew for it; the val transform draws nothing. */
  readonly crop?: { readonly box: Box; readonly flip: boolean };
}

/** All that decides which random numbers an epoch takes. */
export interface EpochShape {
  /** Samples in the data set. */
  readonly count: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  /** torch's num_workers. */
  readonly workers: number;
  /** Widths and heights in pairs, if crops are to be drawn. */
  readonly sizes: Int32Array | undefined;
  /** Stop after so many pictures, as a consumer does who leaves early. */
  readonly limit?: number | undefined;
}

/** Draws one epoch and moves `main` on as torch would. */
export function drawEpoch(main: Generator, shape: EpochShape): Draw[] {
  const { count, batchSize, shuffle, workers, sizes, limit = count } = shape;
  // The iterator's base seed comes first, also where no worker will use it; then the sampler seeds a generator of its own.
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
