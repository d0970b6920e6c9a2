/**
 * Weight gradient of a convolution for CPU adapters: register tiles walk down blocks of columns; slices add up in
 * order.
 */
import type { Gpu } from '../../../gpu/gpu.ts';
import type { PooledBuffer } from '../../../gpu/pool.ts';
import { defineKernel, launch } from '../../kernel.ts';
import { shuffleLanes } from '../../shuffle-lanes.ts';
import { inSlices } from '../../sum-slices.ts';
import { asTexels, fitsTexels, TEXELS_A_LINE } from '../../texels.ts';
import { upTo } from '../../up-to.ts';
import { vectorOf } from '../../vector-of.ts';
import { inputColumns, inputLoads } from '../input-loads.ts';
import { type Conv2dShape, describeConv2d } from '../shape.ts';

/** Output columns per step. */
const PIXELS = 4;
/**
 * Kernel rows and output channels per invocation, by the kernel's width, whose taps are unrolled. They keep the loop
 * within the instruction cache. Other widths loop over groups of single taps.
 */
const TILES: Readonly<Record<number, { readonly units: number; readonly tile: number }>> = {
  1: { units: 4, tile: 32 },
  2: { units: 2, tile: 16 },
  3: { units: 3, tile: 16 },
  5: { units: 1, tile: 16 },
  7: { units: 1, tile: 16 },
};
/** The sum is cut into slices until it has this many workgroups, which keeps every core busy. */
const WANTED_WORKGROUPS = 128;
/** Minimum output rows per slice, because each slice costs a pass over the weights. */
const MIN_ROWS_PER_SLICE = 28;

/** Constants of the shader. */
export type WeightGradConstants = {
  /** Kernel columns that are unrolled. */
  readonly taps: number;
  /** Kernel rows per invocation. */
  readonly units: number;
  /** Output channels per invocation. */
  readonly tile: number;
  readonly strideWidth: number;
  /** Input pixels from one tap to the next. */
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  /** Subgroup size for shuffles: 4 or 8; 0: none. */
  readonly lanes: number;
  /**
   * The row stride, 1 or 2, if input rows are kept from one output row to the next; else 0. Only for three units that
   * are the kernel rows of a channel, with one row of padding above.
   */
  readonly roll: number;
  /** Floats per load: 4, 2 or 1; they divide outWidth and inWidth. */
  readonly gradVector: number;
  readonly inVector: number;
  /** Columns before the first vector of inputs. */
  readonly inAlign: number;
  /** Texels per line if the tensors are textures, which are loaded in vectors of 4; else 0. */
  readonly texels: number;
};

/** Returns the lists that the shader unrolls. */
export function unrollWeightGrad({
  taps,
  tile,
  strideWidth,
  dilationWidth,
  lanes,
  gradVector,
  inVector,
  inAlign,
}: WeightGradConstants) {
  const columns = inputColumns(PIXELS, taps, strideWidth, dilationWidth);
  return {
    pixels: PIXELS,
    invocations: lanes || 8,
    /** Input columns of a step. */
    columns,
    loads: inputLoads(columns, { vector: inVector, align: inAlign, early: false }),
    /** Output channels whose gradients one invocation loads. */
    channelsPerLane: lanes ? tile / lanes : tile,
    /** Loads of a step's gradients, and whether one may lie beyond the row. */
    gradLoads: Array.from({ length: PIXELS / gradVector }, (_, i) => ({
      first: i * gradVector,
      floats: gradVector,
      masked: i > 0,
    })),
  };
}

const shared = {
  shader: 'conv2d/cpu/rows-weight-grad.wgsl',
  derive: unrollWeightGrad,
  uniforms: {
    batch: 'u32',
    groups: 'u32',
    inChannels: 'u32',
    inHeight: 'u32',
    inWidth: 'u32',
    outChannels: 'u32',
    outHeight: 'u32',
    outWidth: 'u32',
    kernelHeight: 'u32',
    kernelWidth: 'u32',
    strideHeight: 'u32',
    paddingHeight: 'u32',
    paddingWidth: 'u32',
    rowsPerSlice: 'u32',
    slices: 'u32',
  },
} as const;

const example: WeightGradConstants = {
  ...{ taps: 3, units: 3, tile: 16, strideWidth: 1, lanes: 8, roll: 1, gradVector: 4, inVector: 4, inAlign: 1 },
  ...{ dilationHeight: 1, dilationWidth: 1, texels: 0 },
};

const kernel = defineKernel({
  ...shared,
  name: 'conv2d_rows_weight_grad',
  bindings: { input: 'read', outputGrad: 'read', weightGrad: 'read_write' },
  example,
});

const texelKernel = defineKernel({
  ...shared,
  name: 'conv2d_texels_weight_grad',
  bindings: { input: 'texture_read', outputGrad: 'texture_read', weightGrad: 'read_write' },
  example: { ...example, texels: TEXELS_A_LINE },
});

/** Returns the constants of the shader for a shape; `lanes` comes from shuffleLanes. */
export function weightGradConstants(s: Conv2dShape, lanes: number): Omit<WeightGradConstants, 'texels'> {
  const { groups = 1, dilationHeight = 1, dilationWidth = 1 } = s;
  const taps = s.kernelWidth in TILES ? s.kernelWidth : 1;
  const { units, tile } = TILES[taps]!;
  const adjacent = taps === 3 && s.kernelHeight === 3 && dilationHeight === 1;
  const rolls = adjacent && s.paddingHeight === 1 && s.strideHeight <= 2;
  // Groups of single taps start anywhere in a vector.
  const inVector = taps === s.kernelWidth ? vectorOf(s.inWidth) : 1;
  return {
    taps,
    units,
    // The lanes divide the tile among them.
    tile: groups === 1 ? tile : Math.min(tile, upTo(lanes || 4, s.outChannels / groups)),
    strideWidth: s.strideWidth,
    dilationHeight,
    dilationWidth,
    lanes,
    roll: rolls ? s.strideHeight : 0,
    gradVector: vectorOf(s.outWidth),
    inVector,
    inAlign: s.paddingWidth % inVector,
  };
}

/** Minimum loads per value that justify a copy into a texture, which costs as much as about ten loads. */
const OFTEN = 32;

const inputRows = (s: Conv2dShape) => s.batch * s.inChannels * s.inHeight;
const outputRows = (s: Conv2dShape) => s.batch * s.outChannels * s.outHeight;

/** Returns whether rows that do not divide into vectors are loaded often enough to copy them into texels. */
function wantsTexels(
  s: Conv2dShape,
  { taps, units, tile, inVector, gradVector, lanes }: Omit<WeightGradConstants, 'texels'>,
): boolean {
  if (lanes === 0 || taps !== s.kernelWidth || (inVector === 4 && gradVector === 4)) return false;
  if (!fitsTexels(inputRows(s), s.inWidth) || !fitsTexels(outputRows(s), s.outWidth)) return false;
  const { groups = 1 } = s;
  const inputs = s.outChannels / groups / tile;
  const grads = ((s.inChannels / groups) * s.kernelHeight) / (lanes * units);
  return Math.min(inputs, grads) >= OFTEN;
}

/** Computes weightGrad (OIHW) from input and outputGrad (NCHW). */
export function rowsWeightGrad(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  weightGrad: PooledBuffer,
): void {
  const lanes = shuffleLanes(gpu.traits);
  const plain = weightGradConstants(s, lanes);
  const { taps, units, tile } = plain;
  const label = `weightGrad ${describeConv2d(s)}`;
  const texels = wantsTexels(s, plain);
  // The columns that fill the last texel of a row hold zeros and add nothing.
  const shape = texels ? { ...s, inWidth: upTo(4, s.inWidth), outWidth: upTo(4, s.outWidth) } : s;
  const constants = { ...weightGradConstants(shape, lanes), texels: texels ? TEXELS_A_LINE : 0 };
  const operands = texels
    ? {
        input: asTexels(gpu, input, inputRows(s), s.inWidth, label),
        outputGrad: asTexels(gpu, outputGrad, outputRows(s), s.outWidth, label),
      }
    : { input, outputGrad };
  const { groups = 1 } = s;
  const kernelRows = (s.inChannels / groups) * s.kernelHeight;
  const [x, y] = [Math.ceil(kernelRows / ((lanes || 8) * units)), groups * Math.ceil(s.outChannels / groups / tile)];
  const tapGroups = s.kernelWidth / taps;
  const blocks = Math.ceil(s.outWidth / PIXELS);
  const sum = {
    terms: s.batch * blocks * s.outHeight,
    count: s.outChannels * kernelRows * s.kernelWidth,
    workgroups: x * y * tapGroups,
    wanted: WANTED_WORKGROUPS,
    leastTerms: MIN_ROWS_PER_SLICE * blocks,
    label,
  };
  inSlices(gpu, sum, weightGrad, (target, rowsPerSlice, slices) => {
    launch(gpu, texels ? texelKernel : kernel, {
      buffers: { ...operands, weightGrad: target },
      constants,
      uniforms: { ...shape, groups, rowsPerSlice, slices },
      workgroups: [x, y, slices * tapGroups],
      label,
    });
  });
  if (texels) for (const texture of Object.values(operands)) gpu.pool.release(texture);
}
