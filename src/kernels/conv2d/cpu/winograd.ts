/**
 * Winograd's convolution for CPU adapters: 3×3 kernels with stride 1 as matrix products over transformed patches.
 * F(4×4, 3×3) takes 36 products and a quarter of the multiplications; F(2×2, 3×3) takes 16 and four ninths.
 *
 * Forward and input gradient are the same three steps and share the transformed weights. The input gradient rotates the
 * kernels by 180°. The weight gradient sums over patches instead of channels, and reuses the forward pass's patches if
 * they were cached.
 *
 * Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015. Points and scaling are our own.
 */
import type { Gpu } from '../../../gpu/gpu.ts';
import type { PooledBuffer } from '../../../gpu/pool.ts';
import { defineKernel, launch } from '../../kernel.ts';
import { fillTexture } from '../../texels.ts';
import { upTo } from '../../up-to.ts';
import { vectorOf } from '../../vector-of.ts';
import { defineNormalisable, launchNormalised, type Normalisation } from '../normalised.ts';
import { type Conv2dKernels, type Conv2dShape, type ConvWeight, type DerivedData, describeConv2d } from '../shape.ts';
import { winogradStem, winogradStemFits } from './stem.ts';
import { multiply, type Operand } from './winograd-product.ts';
import {
  columnsFor,
  DEPTHS,
  planeOf,
  positionsOf,
  ROWS,
  type Tile,
  tileOf,
  tilesAtOnce,
  tilesInPairs,
} from './winograd-shape.ts';

const inputKernel = defineKernel({
  name: 'winograd_input',
  shader: 'conv2d/cpu/winograd-input.wgsl',
  bindings: { input: 'read', transformed: 'read_write' },
  uniforms: {
    channels: 'u32',
    height: 'u32',
    width: 'u32',
    rowPadding: 'u32',
    columnPadding: 'u32',
    tiles: 'u32',
    tileRows: 'u32',
    tileColumns: 'u32',
    tileExtent: 'u32',
    plane: 'u32',
  },
  example: { tile: 4, tiles: 2, vector: 4 },
});

const weightKernel = defineKernel({
  name: 'winograd_weight',
  shader: 'conv2d/cpu/winograd-weight.wgsl',
  bindings: { weight: 'read', transformed: 'read_write' },
  uniforms: { inChannels: 'u32', outChannels: 'u32', firstBlock: 'u32', line: 'u32' },
  example: { tile: 4 },
});

const outputKernel = defineNormalisable({
  name: 'winograd_output',
  shader: 'conv2d/cpu/winograd-output.wgsl',
  bindings: { products: 'read', output: 'read_write' },
  uniforms: {
    channels: 'u32',
    height: 'u32',
    width: 'u32',
    tiles: 'u32',
    tileRows: 'u32',
    tileColumns: 'u32',
    tileExtent: 'u32',
    plane: 'u32',
  },
  example: { tile: 4, tiles: 2, vector: 4 },
});

const outputGradKernel = defineKernel({
  name: 'winograd_output_grad',
  shader: 'conv2d/cpu/winograd-output-grad.wgsl',
  bindings: { outputGrad: 'read', transformed: 'read_write' },
  uniforms: {
    channels: 'u32',
    height: 'u32',
    width: 'u32',
    tiles: 'u32',
    tileRows: 'u32',
    tileColumns: 'u32',
    channelExtent: 'u32',
    plane: 'u32',
  },
  example: { tile: 4, vector: 4 },
});

const weightGradKernel = defineKernel({
  name: 'winograd_weight_grad',
  shader: 'conv2d/cpu/winograd-weight-grad.wgsl',
  bindings: { products: 'read', weightGrad: 'read_write' },
  uniforms: { inChannels: 'u32', inExtent: 'u32', plane: 'u32' },
  example: { tile: 4 },
});

/** output = convolution of input (NCHW) with weight (OIHW). Writes all of output. */
function forward(
  tile: Tile,
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  weight: ConvWeight,
  output: PooledBuffer,
  after?: Normalisation,
  inputData?: DerivedData,
): void {
  correlate(gpu, input, weight, output, {
    tile,
    after,
    inputData,
    turned: false,
    batch: s.batch,
    channels: s.inChannels,
    height: s.inHeight,
    width: s.inWidth,
    rowPadding: s.paddingHeight,
    columnPadding: s.paddingWidth,
    results: s.outChannels,
    resultHeight: s.outHeight,
    resultWidth: s.outWidth,
    label: `forward ${describeConv2d(s)}`,
  });
}

/** Computes inputGrad from outputGrad (both NCHW) and weight. Writes all of inputGrad. */
function inputGrad(
  tile: Tile,
  gpu: Gpu,
  s: Conv2dShape,
  outputGrad: PooledBuffer,
  weight: ConvWeight,
  target: PooledBuffer,
): void {
  correlate(gpu, outputGrad, weight, target, {
    tile,
    turned: true,
    batch: s.batch,
    channels: s.outChannels,
    height: s.outHeight,
    width: s.outWidth,
    rowPadding: 2 - s.paddingHeight,
    columnPadding: 2 - s.paddingWidth,
    results: s.inChannels,
    resultHeight: s.inHeight,
    resultWidth: s.inWidth,
    label: `inputGrad ${describeConv2d(s)}`,
  });
}

interface Correlation {
  readonly tile: Tile;
  /** Whether the kernels are rotated by 180° and summed over their output channels. */
  readonly turned: boolean;
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly rowPadding: number;
  readonly columnPadding: number;
  readonly results: number;
  readonly resultHeight: number;
  readonly resultWidth: number;
  readonly label: string;
  readonly after?: Normalisation | undefined;
  readonly inputData?: DerivedData | undefined;
}

function correlate(gpu: Gpu, input: PooledBuffer, weight: ConvWeight, output: PooledBuffer, c: Correlation): void {
  const { tile } = c;
  const positions = positionsOf(tile);
  const tiling = tilesInPairs(tile, c.batch, c.resultHeight, c.resultWidth);
  const depth = upTo(DEPTHS, c.channels);
  const rows = upTo(ROWS, c.results);
  const columns = columnsFor(tiling.tiles);
  const [inChannels, outChannels] = c.turned ? [c.results, c.channels] : [c.channels, c.results];
  const [inExtent, outExtent] = [upTo(ROWS, inChannels), upTo(ROWS, outChannels)];
  const line = (inExtent * ROWS) / 4;
  const texture = () => gpu.pool.acquireTexture(line, positions * (outExtent / ROWS));
  const kernels = weight.derive(`winograd ${tile}`, texture, (target) => {
    fillTexture(gpu, target, positions, (transformed, firstLine, lines) => {
      launch(gpu, weightKernel, {
        buffers: { weight: weight.buffer, transformed },
        constants: { tile },
        uniforms: { inChannels, outChannels, firstBlock: firstLine / positions, line },
        workgroups: [(lines / positions) * (ROWS / 16), inExtent / 16, 1],
        label: c.label,
      });
    });
  });
  const patches = patchesOf(gpu, input, { ...c, ...tiling }, c.inputData);
  const products = gpu.pool.acquire(positions * planeOf(rows, columns) * 4);
  multiply(gpu, { kernels, turned: c.turned }, patches, products, { tile, depth, rows, columns }, c.label);
  patches.release();
  const run = {
    buffers: { products, output },
    constants: vectors(tile, tiling.tileColumns, c.resultWidth),
    uniforms: {
      ...tiling,
      channels: c.results,
      height: c.resultHeight,
      width: c.resultWidth,
      tileExtent: columns,
      plane: planeOf(rows, columns),
    },
    workgroups: [Math.ceil((c.results * columns) / 64), 1, 1] as const,
    label: c.label,
  };
  launchNormalised(gpu, outputKernel, run, c.after);
  gpu.pool.release(products);
}

/** Computes weightGrad (OIHW) from input and outputGrad (both NCHW). */
function weightGrad(
  tile: Tile,
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  target: PooledBuffer,
  inputData?: DerivedData,
): void {
  const label = `weightGrad ${describeConv2d(s)}`;
  const positions = positionsOf(tile);
  const tiling = tilesInPairs(tile, s.batch, s.outHeight, s.outWidth);
  const depth = upTo(DEPTHS, tiling.tiles);
  const rows = upTo(ROWS, s.outChannels);
  const columns = columnsFor(s.inChannels);
  const grads = gpu.pool.acquire(positions * planeOf(depth, rows) * 4);
  launch(gpu, outputGradKernel, {
    buffers: { outputGrad, transformed: grads },
    constants: { tile, vector: vectorOf(s.outWidth, tile) },
    uniforms: {
      ...tiling,
      channels: s.outChannels,
      height: s.outHeight,
      width: s.outWidth,
      channelExtent: rows,
      plane: planeOf(depth, rows),
    },
    workgroups: [(rows * depth) / 2 / 64, 1, 1],
    label,
  });
  const geometry = {
    ...tiling,
    tile,
    channels: s.inChannels,
    height: s.inHeight,
    width: s.inWidth,
    rowPadding: s.paddingHeight,
    columnPadding: s.paddingWidth,
    label,
  };
  const patches = patchesOf(gpu, input, geometry, inputData);
  const products = gpu.pool.acquire(positions * planeOf(rows, columns) * 4);
  const a = { buffer: grads, line: rows, plane: planeOf(depth, rows) };
  multiply(gpu, a, patches, products, { tile, depth, rows, columns }, label);
  gpu.pool.release(grads);
  patches.release();
  launch(gpu, weightGradKernel, {
    buffers: { products, weightGrad: target },
    constants: { tile },
    uniforms: { inChannels: s.inChannels, inExtent: columns, plane: planeOf(rows, columns) },
    workgroups: [Math.ceil(s.inChannels / 64), s.outChannels, 1],
    label,
  });
  gpu.pool.release(products);
}

interface Geometry {
  readonly tile: Tile;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly rowPadding: number;
  readonly columnPadding: number;
  readonly tiles: number;
  readonly tileRows: number;
  readonly tileColumns: number;
  readonly label: string;
}

interface Patches extends Operand {
  /** Releases the patches after their last use; cached patches stay. */
  release(): void;
}

/**
 * Returns the transformed patches of an input, [position][channel][tile], padded so that either of the last two extents
 * can be a product's columns. `inputData` caches them if given; else the caller releases them.
 */
function patchesOf(gpu: Gpu, input: PooledBuffer, of: Geometry, inputData?: DerivedData): Patches {
  // Only values that the patches depend on, since these form the cache key.
  const { tile, channels, height, width, rowPadding, columnPadding, tiles, tileRows, tileColumns, label } = of;
  const geometry = { channels, height, width, rowPadding, columnPadding, tiles, tileRows, tileColumns };
  const line = columnsFor(tiles);
  const extent = columnsFor(channels);
  const plane = planeOf(extent, line);
  const bytes = positionsOf(tile) * plane * 4;
  const write = (transformed: PooledBuffer) => {
    launch(gpu, inputKernel, {
      buffers: { input, transformed },
      constants: vectors(tile, tileColumns, columnPadding === 1 ? width : 1),
      uniforms: { ...geometry, tileExtent: line, plane },
      workgroups: [(extent * line) / 64, 1, 1],
      label,
    });
  };
  if (inputData) {
    const key = `winograd patches ${tile},${Object.values(geometry).join(',')}`;
    const buffer = inputData.derive(key, () => gpu.pool.acquire(bytes), write);
    return { buffer, line, plane, release: () => {} };
  }
  const buffer = gpu.pool.acquire(bytes);
  write(buffer);
  return { buffer, line, plane, release: () => gpu.pool.release(buffer) };
}

/** Returns how the transforms take tiles and rows. `width` is the images' width, or 1 if rows are read one by one. */
function vectors(tile: Tile, tileColumns: number, width: number) {
  const tiles = tilesAtOnce(tileColumns);
  return { tile, tiles, vector: vectorOf(width, tile * tiles) };
}

/** The kernels with the tiles that `choose` returns. For tests: `winograd` chooses the cheaper ones. */
export function winogradBy(choose: (shape: Conv2dShape, frozen: boolean) => Tile): Conv2dKernels {
  return {
    forward: (gpu, shape, input, weight, ...rest) =>
      forward(choose(shape, weight.frozen), gpu, shape, input, weight, ...rest),
    inputGrad: (gpu, shape, outputGrad, weight, target) =>
      inputGrad(choose(shape, weight.frozen), gpu, shape, outputGrad, weight, target),
    // Frozen weights get no gradient.
    weightGrad: (gpu, shape, ...rest) => weightGrad(choose(shape, false), gpu, shape, ...rest),
  };
}

const by3x3 = winogradBy(tileOf);

export const winograd: Conv2dKernels = {
  ...by3x3,
  forward: (gpu, shape, ...rest) => (winogradStemFits(shape) ? winogradStem : by3x3.forward)(gpu, shape, ...rest),
};
