/**
 * Features of the engine that random programs may use. Each is switched on here and nowhere else: the generator then makes
 * programs with it, and the runner calls it. The Python side has all of them already.
 */
export interface Capabilities {
  /** A graph belongs to its results: several losses may be alive, and each gets its own backward, in any order. */
  readonly severalGraphs: boolean;
  /** `backward(loss, { retainGraph: true })`. */
  readonly retainGraph: boolean;
  /** `backward(loss, { seed: 0.5 })` for a loss of one value. */
  readonly seedNumbers: boolean;
  /** `data()` of a u32 tensor gives a Uint32Array. */
  readonly readingU32: boolean;
  /** `stride` and `padding` of conv2d may be one number. */
  readonly strideNumbers: boolean;
  /** Backward throws where a tensor that it reads was changed after forward. */
  readonly changedBetween: boolean;
  /** A leaf's gradient shares its memory with nothing: neither with the seed nor with another leaf's gradient. */
  readonly ownGradients: boolean;
  /** Forward decides which leaves get a gradient: a leaf that is unfrozen after it gets none. */
  readonly unfreezeBetween: boolean;
  /** Backward throws where the seed is not of the loss's shape. */
  readonly checkingSeeds: boolean;
  /** Backward passes over a leaf that was disposed, and leaves no gradient behind for it. */
  readonly disposedLeaves: boolean;
}

/** The features of this engine. A test runs programs with every feature through PyTorch, so that the rest can be switched on. */
export const CAPABILITIES: Capabilities = {
  severalGraphs: true,
  retainGraph: true,
  seedNumbers: true,
  readingU32: true,
  strideNumbers: true,
  changedBetween: true,
  ownGradients: true,
  unfreezeBetween: true,
  checkingSeeds: true,
  disposedLeaves: true,
};

/** Every feature switched on. */
export const ALL_CAPABILITIES = Object.fromEntries(
  Object.keys(CAPABILITIES).map((name) => [name, true]),
) as unknown as Capabilities;
