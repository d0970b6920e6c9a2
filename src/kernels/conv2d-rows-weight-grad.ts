/** Weight gradient of a convolution for CPU adapters: register tiles over output rows, cut into slices added up in order. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { type Conv2dShape, describeConv2d } from './conv2d-shape.ts';
import { defineKernel, launch } from './kernel.ts';
import { shuffleLanes } from './shuffle-lanes.ts';
import { inSlices } from './sum-slices.ts';

/** Output channels per invocation, as in the shader. */
const TILE = 32;
/** Kernel widths whose taps are unrolled. Others loop over groups of single taps. */
const UNROLLED_TAPS = [1, 2, 3, 5, 7];
/** The sum is cut into slices until it has this many workgroups, so that every core has work. */
const WANTED_WORKGROUPS = 64;
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
  example: { taps: 3, strideWidth: 1, lanes: 8, tail: true },
});

/** weightGrad (OIHW) from input and outputGrad (NCHW). */
export function rowsWeightGrad(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  weightGrad: PooledBuffer,
): void {
  const lanes = shuffleLanes(gpu.traits);
  const taps = UNROLLED_TAPS.includes(s.kernelWidth) ? s.kernelWidth : 1;
  const kernelRows = s.inChannels * s.kernelHeight;
  const [x, y] = [Math.ceil(kernelRows / (lanes || 8)), Math.ceil(s.outChannels / TILE)];
  const tapGroups = s.kernelWidth / taps;
  const sum = {
    terms: s.batch * s.outHeight,
    count: s.outChannels * kernelRows * s.kernelWidth,
    workgroups: x * y * tapGroups,
    wanted: WANTED_WORKGROUPS,
    leastTerms: MIN_ROWS_PER_SLICE,
  };
  inSlices(gpu, sum, weightGrad, (target, rowsPerSlice, slices) => {
    launch(gpu, kernel, {
      buffers: { input, outputGrad, weightGrad: target },
      constants: { taps, strideWidth: s.strideWidth, lanes, tail: s.outWidth % 4 !== 0 },
      uniforms: { ...s, rowsPerSlice, slices },
      workgroups: [x, y, slices * tapGroups],
      label: `weightGrad ${describeConv2d(s)}`,
    });
  });
}
