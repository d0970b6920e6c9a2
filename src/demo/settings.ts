/**
 * How the demo trains: numbers for `train()`, chosen for its pictures and for two cores without a GPU. Of batch sizes 16 and
 * 32 and rates from 0.005 to 0.02 these learnt most steadily. The last epoch, at a tenth of the rate, lets weights and batch
 * norms settle, so that it does not depend on luck how good the best epoch is.
 */
export const DEMO_SETTINGS = {
  epochs: 3,
  batchSize: 16,
  lr: 0.005,
  momentum: 0.9,
  weightDecay: 0,
  stepSize: 2,
  gamma: 0.1,
  // Legs and antennae can still be seen; and 28, 14 and 7, the widths of its first layers, suit the kernels for CPUs.
  imageSize: 56,
} as const;
