/** The small run that is killed over and over. */
import type { TrainOptions } from '../../src/train/index.ts';

/** Pictures of each class, to train with and to validate with. */
export const PICTURES = { train: 8, val: 4 } as const;

export const RUN = {
  epochs: 3,
  batchSize: 4,
  imageSize: 32,
  lr: 0.01,
  stepSize: 2,
  workers: 2,
  saveEvery: 2,
} as const satisfies Partial<TrainOptions>;
