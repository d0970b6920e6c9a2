/**
 * The extents of Winograd's convolution: the side of the output tiles, the padding of the products, the shapes that
 * fit, and their cost.
 */

import { MOST_TEXELS } from '../../texels.ts';
import { upTo } from '../../up-to.ts';
import type { Conv2dPass, Conv2dShape } from '../shape.ts';

/** Side of a tile of outputs: F(4×4, 3×3) or F(2×2, 3×3). */
export type Tile = 2 | 4;

/** Positions of a transformed patch. A patch overlaps adjacent ones by 2. */
export const positionsOf = (tile: Tile) => (tile + 2) ** 2;

/**
 * The products' extents are padded to multiples of these: the tile of winograd-product, with the largest subgroup it
 * takes. Half the columns are used if they suffice.
 */
export const ROWS = 64;
export const COLUMNS = 32;
export const DEPTHS = 4;
/** WebGPU's default limit of a storage binding, which no transformed tensor may exceed. */
const MAX_BYTES = 128 * 2 ** 20;

/**
 * Returns the elements from one position of [position][outer][inner] to the next: its contents plus a cache line.
 * Without the extra line a patch's positions are often multiples of 4 KiB apart and compete for the same cache sets.
 */
export const planeOf = (outer: number, inner: number) => outer * inner + 16;

export const columnsFor = (count: number) => (count <= COLUMNS / 2 ? COLUMNS / 2 : upTo(COLUMNS, count));

/** Returns the tiles that cover the outputs of a batch. */
function tilesOf(tile: Tile, batch: number, height: number, width: number) {
  const [tileRows, tileColumns] = [Math.ceil(height / tile), Math.ceil(width / tile)];
  return { tiles: batch * tileRows * tileColumns, tileRows, tileColumns };
}

/** Returns how many adjacent tiles an invocation of the transforms takes: 2 if every row is made of pairs, else 1. */
export const tilesAtOnce = (tileColumns: number) => (tileColumns % 2 === 0 ? 2 : 1);

/**
 * Returns the tiles that cover the outputs of a batch. Each row gets a last tile to complete pairs, where that is free.
 */
export function tilesInPairs(tile: Tile, batch: number, height: number, width: number) {
  const plain = tilesOf(tile, batch, height, width);
  const paired = tilesOf(tile, batch, height, upTo(2 * tile, width));
  return columnsFor(paired.tiles) === columnsFor(plain.tiles) ? paired : plain;
}

/**
 * Whether these kernels can compute a shape: 3×3 with stride 1, padding of at most 2, and small enough for a binding.
 */
export function winogradFits(s: Conv2dShape, frozen: boolean): boolean {
  const window = s.kernelHeight === 3 && s.kernelWidth === 3 && s.strideHeight === 1 && s.strideWidth === 1;
  if (!window || s.paddingHeight > 2 || s.paddingWidth > 2) return false;
  const channels = upTo(ROWS, Math.max(s.inChannels, s.outChannels));
  const tile = tileOf(s, frozen);
  const tiles = Math.max(
    tilesOf(tile, s.batch, s.outHeight, s.outWidth).tiles,
    tilesOf(tile, s.batch, s.inHeight, s.inWidth).tiles,
  );
  // A line of the kernels' texture.
  if ((upTo(ROWS, s.inChannels) * ROWS) / 4 > MOST_TEXELS) return false;
  return positionsOf(tile) * planeOf(channels, Math.max(channels, columnsFor(tiles))) * 4 <= MAX_BYTES;
}

/**
 * Cost of one load or store of the transforms, in multiply-adds of the products. Measured on lavapipe: 11 ns for the 8
 * invocations of a vector, against 0.64 ns for a multiply-add with its share of the loads.
 */
const TRANSFER = 17;

/** Cost per multiply-add of a product with half the columns, because half as many share its loads of rows. */
const HALF_COLUMNS = 1.7;

/**
 * Returns the cost of a pass by these kernels, in multiply-adds; a direct convolution costs half its floating-point
 * operations. The weight gradient includes its patches, although a Winograd forward pass has already made them.
 */
export function winogradCost(pass: Conv2dPass, s: Conv2dShape, frozen: boolean, tile = tileOf(s, frozen)): number {
  const positions = positionsOf(tile);
  const [inputs, outputs] = pass === 'inputGrad' ? [s.outChannels, s.inChannels] : [s.inChannels, s.outChannels];
  const { tiles } =
    pass === 'inputGrad'
      ? tilesOf(tile, s.batch, s.inHeight, s.inWidth)
      : tilesOf(tile, s.batch, s.outHeight, s.outWidth);
  const [depth, columns] = pass === 'weightGrad' ? [tiles, inputs] : [inputs, tiles];
  const products = positions * upTo(ROWS, outputs) * upTo(DEPTHS, depth) * columnsFor(columns);
  const patches = 2 * positions * inputs * tiles;
  const kernels = frozen ? 0 : inputs * outputs;
  // Every product is stored, and the next transform loads it.
  const transfers =
    pass === 'weightGrad'
      ? patches + (tile ** 2 + positions) * outputs * tiles + (2 * positions + 9) * kernels
      : // Forward and input gradient share the transform of the weights; frozen weights need it once.
        patches + (2 * positions + tile ** 2) * outputs * tiles + ((9 + positions) / 2) * kernels;
  return products * (columnsFor(columns) < COLUMNS ? HALF_COLUMNS : 1) + TRANSFER * transfers;
}

/**
 * Returns the side of the tiles for a shape: the one whose forward pass costs less. All passes use it, since they share
 * transformed kernels and patches. Small tiles multiply more, but transform each kernel to fewer values, and fill the
 * products' columns where large tiles are too few.
 */
export function tileOf(s: Conv2dShape, frozen: boolean): Tile {
  return winogradCost('forward', s, frozen, 2) < winogradCost('forward', s, frozen, 4) ? 2 : 4;
}
