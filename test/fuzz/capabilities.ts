/**
 * Features of the engine that random programs may use. Each is switched on only here. Then the generator makes programs
 * with it, and the runner calls it. The Python side has all of them.
 */
export interface Capabilities {
  /** A graph belongs to its results: several losses may exist, and each gets its own backward, in any order. */
  readonly severalGraphs: boolean;
  /** `backward(loss, { retainGraph: true })`. */
  readonly retainGraph: boolean;
  /** `backward(loss, { seed: 0.5 })` for a loss of one value. */
  readonly seedNumbers: boolean;
  /** `data()` of a u32 tensor returns a Uint32Array. */
  readonly readingU32: boolean;
  /** Backward throws if a tensor that it reads was changed after forward. */
  readonly changedBetween: boolean;
  /** A leaf's gradient does not share its memory, neither with the seed nor with another leaf's gradient. */
  readonly ownGradients: boolean;
  /** Forward decides which leaves get a gradient. A leaf unfrozen later gets none. */
  readonly unfreezeBetween: boolean;
  /** Backward throws if the seed does not have the loss's shape. */
  readonly checkingSeeds: boolean;
  /** Backward skips a disposed leaf and leaves it no gradient. */
  readonly disposedLeaves: boolean;
}

/**
 * The features of this engine. A test runs programs with every feature on PyTorch, so that any of them can be switched
 * on.
 */
export const CAPABILITIES: Capabilities = {
  severalGraphs: true,
  retainGraph: true,
  seedNumbers: true,
  readingU32: true,
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
