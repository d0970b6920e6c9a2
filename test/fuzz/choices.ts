/**
 * The sizes, windows and options that random programs choose from. Small ones come first, so that programs shrink to
 * them.
 */
export const CHANNELS = [2, 1, 3, 4, 5, 6, 7, 8, 9, 3, 4, 16, 32, 64];
export const FEATURES = [3, 1, 2, 4, 5, 7, 8, 11, 17, 33];

export type Extents = readonly [height: number, width: number];

export interface Window {
  readonly kernel: Extents;
  readonly stride: Extents;
  readonly padding: Extents;
}
const window = (kernel: Extents, stride: Extents, padding: Extents): Window => ({ kernel, stride, padding });

/** Few, because each is a separate shader: those of ResNet, and some for each specialised kernel. */
export const CONVOLUTIONS = [
  window([1, 1], [1, 1], [0, 0]),
  window([3, 3], [1, 1], [1, 1]),
  window([3, 3], [2, 2], [1, 1]),
  window([3, 3], [1, 1], [0, 0]),
  window([1, 1], [2, 2], [0, 0]),
  window([3, 3], [1, 1], [2, 2]),
  window([7, 7], [2, 2], [3, 3]),
  window([2, 3], [2, 1], [1, 0]),
  window([2, 2], [3, 3], [1, 1]),
  window([4, 4], [1, 1], [2, 2]),
];
export const POOLS = [
  window([2, 2], [2, 2], [0, 0]),
  window([3, 3], [2, 2], [1, 1]),
  window([3, 3], [1, 1], [1, 1]),
  window([2, 3], [2, 1], [1, 1]),
  window([7, 7], [3, 3], [3, 3]),
  window([1, 1], [2, 2], [0, 0]),
];
export const DILATIONS: readonly Extents[] = [
  [1, 1],
  [1, 1],
  [2, 2],
  [1, 2],
];
/** The convolution and product kernels to force. */
export const VARIANTS = [undefined, 'tiled', 'rows', 'winograd'] as const;
export const PRODUCTS = [undefined, 'dots', 'tiled', 'rows'] as const;
export const EPSILONS = [1e-5, 1e-3, 1e-5];
export const MOMENTA = [0.1, 0.5, 1, 0];
