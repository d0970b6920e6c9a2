/** Weight gradient of a convolution for CPU adapters: register tiles that walk down blocks of columns, in slices added up in order. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { type Conv2dShape, describeConv2d } from './conv2d-shape.ts';
import { defineKernel, launch } from './kernel.ts';
import { shuffleLanes } from './shuffle-lanes.ts';
import { inSlices } from './sum-slices.ts';
import { vectorOf } from './vector-of.ts';

/** Pixels per step, as in the shader. */
const PIXELS = 4;
/**
 * Kernel rows and output channels per invocation, by the kernel's width, whose taps are unrolled: what keeps the loop
 * within the instruction cache. Other widths loop over groups of single taps.
 */
const TILES: Readonly<Record<number, { readonly units: number; readonly tile: number }>> = {
  1: { units: 4, tile: 32 },
  2: { units: 2, tile: 16 },
  3: { units: 3, tile: 16 },
  5: { units: 1, tile: 16 },
  7: { units: 1, tile: 16 },
};
/** The sum is cut into slices until it has this many workgroups, so that every core has work. */
const WANTED_WORKGROUPS = 128;
/** No slice has fewer output rows than this: each costs a pass over the weights. */
const MIN_ROWS_PER_SLICE = 28;

const kernel = defineKernel({
  name: 'conv2d_rows_weight_grad',
  shader: 'conv2d-rows-weight-grad.wgsl',
  bindings: { input: 'read', outputGrad: 'read', weightGrad: 'read_write' },
  uniforms: {
    batch: 'u32',
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
  example: { taps: 3, units: 3, tile: 16, strideWidth: 1, lanes: 8, roll: 1, gradVector: 4, inVector: 4, inAlign: 1 },
});

/** The constants of the shader for a shape: `lanes` as shuffleLanes says. */
export function weightGradConstants(s: Conv2dShape, lanes: number) {
  const taps = s.kernelWidth in TILES ? s.kernelWidth : 1;
  const rolls = taps === 3 && s.kernelHeight === 3 && s.paddingHeight === 1 && s.strideHeight <= 2;
  // Groups of single taps start anywhere in a vector.
  const inVector = taps === s.kernelWidth ? vectorOf(s.inWidth) : 1;
  return {
    taps,
    ...TILES[taps]!,
    strideWidth: s.strideWidth,
    lanes,
    roll: rolls ? s.strideHeight : 0,
    gradVector: vectorOf(s.outWidth),
    inVector,
    inAlign: s.paddingWidth % inVector,
  };
}

/** weightGrad (OIHW) from input and outputGrad (NCHW). */
export function rowsWeightGrad(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  weightGrad: PooledBuffer,
): void {
  const lanes = shuffleLanes(gpu.traits);
  const constants = weightGradConstants(s, lanes);
  const { taps, units, tile } = constants;
  const kernelRows = s.inChannels * s.kernelHeight;
  const [x, y] = [Math.ceil(kernelRows / ((lanes || 8) * units)), Math.ceil(s.outChannels / tile)];
  const tapGroups = s.kernelWidth / taps;
  const blocks = Math.ceil(s.outWidth / PIXELS);
  const sum = {
    terms: s.batch * blocks * s.outHeight,
    count: s.outChannels * kernelRows * s.kernelWidth,
    workgroups: x * y * tapGroups,
    wanted: WANTED_WORKGROUPS,
    leastTerms: MIN_ROWS_PER_SLICE * blocks,
    label: `weightGrad ${describeConv2d(s)}`,
  };
  inSlices(gpu, sum, weightGrad, (target, rowsPerSlice, slices) => {
    launch(gpu, kernel, {
      buffers: { input, outputGrad, weightGrad: target },
      constants,
      uniforms: { ...s, rowsPerSlice, slices },
      workgroups: [x, y, slices * tapGroups],
      label: sum.label,
    });
  });
}
