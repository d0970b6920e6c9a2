/** How the demo trains: `train()`'s numbers, chosen for its pictures and for two cores without a GPU. */
export const DEMO_SETTINGS = {
  epochs: 4,
  batchSize: 32,
  lr: 0.02,
  momentum: 0.9,
  weightDecay: 0,
  stepSize: 3,
  gamma: 0.1,
  imageSize: 56,
} as const;
