/**
 * How the demo trains: numbers for `train()`, chosen for its pictures and for two cores without a GPU. From random weights
 * the classes are all but told apart after two epochs; the last one, at a tenth of the rate, lets weights and batch norms
 * settle, so that it does not depend on luck how good the best epoch is.
 */
export const DEMO_SETTINGS = {
  epochs: 4,
  // Updating eleven million weights costs the same for any number of pictures: few steps of many are quickest.
  batchSize: 32,
  lr: 0.02,
  momentum: 0.9,
  weightDecay: 0,
  stepSize: 3,
  gamma: 0.1,
  // Legs and antennae can still be seen; and 28, 14 and 7, the widths of its first layers, suit the kernels for CPUs.
  imageSize: 56,
} as const;
