/**
 * The demo's settings for `train()`, chosen for its pictures and for two cores without a GPU. Of batch sizes 16 and 32
 * and learning rates from 0.005 to 0.02, these learnt most steadily. The last epoch runs at a tenth of the rate:
 * weights and batch norms settle, so the quality of the best epoch does not depend on luck.
 */
export const DEMO_SETTINGS = {
  epochs: 3,
  batchSize: 16,
  lr: 0.005,
  momentum: 0.9,
  weightDecay: 0,
  stepSize: 2,
  gamma: 0.1,
  // Legs and antennae are still visible. The widths of the first layers, 28, 14 and 7, suit the kernels for CPUs.
  imageSize: 56,
} as const;
