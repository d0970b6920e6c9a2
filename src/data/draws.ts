/**
 * All random values of one epoch, drawn before any picture is opened, in the order of torch 1.13's DataLoader. With
 * workers, torch gives each its own generator, seeded from the main one. Without workers, all draws use the main one.
 */
import { Generator } from '../random/mt19937.ts';
import { type Augmentation, drawAugmentation, scaleOf } from './augment/policy.ts';
import { drawMix } from './mixup.ts';
import type { Box } from './resize.ts';
import { drawFlip, drawResizedCrop, type TrainTransform } from './transforms.ts';

/** One picture of an epoch. */
export interface Draw {
  /** Index of the sample in the data set. */
  readonly index: number;
  /** The train transform's random parameters; the val transform draws none. */
  readonly crop?: { readonly box: Box; readonly flip: boolean; readonly augmentation?: Augmentation };
  /** The share of each picture in its mixture, the same in a whole batch; undefined without mixup. */
  readonly mix?: number;
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
  /** Decides what is drawn beside crops and flips; nothing by default. */
  readonly transform?: Pick<TrainTransform, 'size' | 'augment'> | undefined;
  /** Mixup's alpha, if batches are mixed. */
  readonly mixup?: number | undefined;
  /** Stop after this many pictures, like a consumer that stops early. */
  readonly limit?: number | undefined;
}

/** Draws one epoch and advances `main` as torch would. */
export function drawEpoch(main: Generator, shape: EpochShape): Draw[] {
  const { count, batchSize, shuffle, workers, sizes, transform, mixup, limit = count } = shape;
  // The iterator draws its base seed first, even without workers. Then the sampler seeds its own generator.
  const baseSeed = main.randomSeed();
  const order = shuffle
    ? new Generator(main.randomSeed()).randperm(count)
    : Int32Array.from({ length: count }, (_, i) => i);
  const streams = workers === 0 ? [main] : Array.from({ length: workers }, (_, w) => new Generator(baseSeed + w));
  const drawOf = (index: number, stream: Generator): Draw =>
    sizes ? { index, crop: drawCrop(stream, sizes[index * 2]!, sizes[index * 2 + 1]!, transform) } : { index };
  const draws: Draw[] = [];
  for (let first = 0; first < Math.min(limit, count); first += batchSize) {
    const stream = streams[(first / batchSize) % streams.length]!;
    const batch = Array.from(order.subarray(first, Math.min(first + batchSize, limit)), (i) => drawOf(i, stream));
    // As torch's collate_fn: after the batch's pictures, from the same stream.
    const mix = mixup === undefined ? undefined : drawMix(stream, mixup);
    for (const draw of batch) draws.push(mix === undefined ? draw : { ...draw, mix });
  }
  return draws;
}

/** Draws what the train transform does to a picture of this size. */
export function drawCrop(stream: Generator, width: number, height: number, transform?: EpochShape['transform']) {
  const { augment, size } = transform ?? {};
  const box = drawResizedCrop(stream, width, height, scaleOf(augment));
  const flip = drawFlip(stream);
  return augment && size ? { box, flip, augmentation: drawAugmentation(stream, augment, size) } : { box, flip };
}
