/**
 * The extents of Winograd's convolution: of which side the tiles are that outputs are cut into, what the products are padded
 * to, which shapes fit, and what they cost.
 */
import { MOST_TEXELS } from '../../../gpu/pool.ts';
import { upTo } from '../../up-to.ts';
import type { Conv2dKernels, Conv2dShape } from '../shape.ts';

/** Side of a tile of outputs: F(4×4, 3×3) or F(2×2, 3×3). */
export type Tile = 2 | 4;

/** Positions of a transformed patch, which overlaps those next to it by 2. */
export const positionsOf = (tile: Tile) => (tile + 2) ** 2;

/**
 * What the extents of the products are padded to: the tile of winograd-product, with the largest subgroup it takes. Its
 * columns are half as many where no more are needed.
 */
export const ROWS = 64;
export const COLUMNS = 32;
export const DEPTHS = 4;
/** WebGPU's default limit of a storage binding, which no transformed tensor may exceed. */
const MAX_BYTES = 128 * 2 ** 20;

/**
 * Elements from one position of [position][outer][inner] to the next: what they hold and a cache line more. Without it the
 * positions of one patch are often multiples of 4 KiB apart, and so fight for the same few places of the cache.
 */
export const planeOf = (outer: number, inner: number) => outer * inner + 16;

export const columnsFor = (count: number) => (count <= COLUMNS / 2 ? COLUMNS / 2 : upTo(COLUMNS, count));

/** Tiles that cover the outputs of a batch. */
function tilesOf(tile: Tile, batch: number, height: number, width: number) {
  const [tileRows, tileColumns] = [Math.ceil(height / tile), Math.ceil(width / tile)];
  return { tiles: batch * tileRows * tileColumns, tileRows, tileColumns };
}

/** How many tiles next to each other an invocation of the transforms takes: pairs, where every row is made of pairs. */
export const tilesAtOnce = (tileColumns: number) => (tileColumns % 2 === 0 ? 2 : 1);

/** Tiles that cover the outputs of a batch, with a last one in each row that makes pairs of them, where that is free. */
export function tilesInPairs(tile: Tile, batch: number, height: number, width: number) {
  const plain = tilesOf(tile, batch, height, width);
  const paired = tilesOf(tile, batch, height, upTo(2 * tile, width));
  return columnsFor(paired.tiles) === columnsFor(plain.tiles) ? paired : plain;
}

/** Whether these kernels can compute a shape: 3×3 with stride 1, at most 2 of padding, and not too large for a binding. */
export function winogradFits(s: Conv2dShape): boolean {
  const window = s.kernelHeight === 3 && s.kernelWidth === 3 && s.strideHeight === 1 && s.strideWidth === 1;
  if (!window || s.paddingHeight > 2 || s.paddingWidth > 2) return false;
  const channels = upTo(ROWS, Math.max(s.inChannels, s.outChannels));
  const tile = tileOf(s);
  const tiles = Math.max(
    tilesOf(tile, s.batch, s.outHeight, s.outWidth).tiles,
    tilesOf(tile, s.batch, s.inHeight, s.inWidth).tiles,
  );
  // A line of the kernels' texture.
  if ((upTo(ROWS, s.inChannels) * ROWS) / 4 > MOST_TEXELS) return false;
  return positionsOf(tile) * planeOf(channels, Math.max(channels, columnsFor(tiles))) * 4 <= MAX_BYTES;
}

/**
 * What one load or store of the transforms costs, in multiply-adds of the products. Measured on lavapipe: 11 ns for the 8
 * invocations of a vector, beside 0.64 ns for a multiply-add with its share of the loads.
 */
const TRANSFER = 17;

/** What a product costs with half the columns, per multiply-add: its loads of rows are shared by half as many. */
const HALF_COLUMNS = 1.7;

/**
 * What a pass costs by these kernels, in multiply-adds; of a direct convolution it is half its floating-point operations. The
 * weight gradient's patches are counted, though where the forward pass is Winograd's too they were made there.
 */
export function winogradCost(pass: keyof Conv2dKernels, s: Conv2dShape, tile = tileOf(s)): number {
  const positions = positionsOf(tile);
  const [inputs, outputs] = pass === 'inputGrad' ? [s.outChannels, s.inChannels] : [s.inChannels, s.outChannels];
  const { tiles } =
    pass === 'inputGrad'
      ? tilesOf(tile, s.batch, s.inHeight, s.inWidth)
      : tilesOf(tile, s.batch, s.outHeight, s.outWidth);
  const [depth, columns] = pass === 'weightGrad' ? [tiles, inputs] : [inputs, tiles];
  const products = positions * upTo(ROWS, outputs) * upTo(DEPTHS, depth) * columnsFor(columns);
  const patches = 2 * positions * inputs * tiles;
  const kernels = s.frozen ? 0 : inputs * outputs;
  // Every product is stored, and loaded again by the transform after it.
  const transfers =
    pass === 'weightGrad'
      ? patches + (tile ** 2 + positions) * outputs * tiles + (2 * positions + 9) * kernels
      : // Forward and input gradient share the transform of the weights, which those that do not learn need once.
        patches + (2 * positions + tile ** 2) * outputs * tiles + ((9 + positions) / 2) * kernels;
  return products * (columnsFor(columns) < COLUMNS ? HALF_COLUMNS : 1) + TRANSFER * transfers;
}

/**
 * The side of the tiles for a shape, the same in all passes, since they share transformed kernels and patches: the one whose
 * forward pass costs less. Small tiles multiply more, but have fewer numbers for each kernel, and fill the columns of the
 * products where large ones are few.
 */
export function tileOf(s: Conv2dShape): Tile {
  return winogradCost('forward', s, 2) < winogradCost('forward', s, 4) ? 2 : 4;
}
