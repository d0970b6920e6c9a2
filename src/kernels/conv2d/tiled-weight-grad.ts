/** The weight gradient of a convolution for GPUs: a tiled product (parts/tiles.wgsl). */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch } from '../kernel.ts';
import { inSlices } from '../sum-slices.ts';
import { DEPTH, TILE, WANTED_WORKGROUPS } from '../tiles.ts';
import { type Conv2dShape, describeConv2d } from './shape.ts';

const kernel = defineKernel({
  name: 'conv2d_tiled_weight_grad',
  shader: 'conv2d/tiled-weight-grad.wgsl',
  bindings: { input: 'read', outputGrad: 'read', weightGrad: 'read_write' },
  uniforms: {
    batch: 'u32',
    groups: 'u32',
    inChannels: 'u32',
    inHeight: 'u32',
    inWidth: 'u32',
    outChannels: 'u32',
    outHeight: 'u32',
    outWidth: 'u32',
    strideHeight: 'u32',
    strideWidth: 'u32',
    paddingHeight: 'u32',
    paddingWidth: 'u32',
    dilationHeight: 'u32',
    dilationWidth: 'u32',
    pixelsPerSlice: 'u32',
  },
  example: { kernelHeight: 3, kernelWidth: 3, vector: true },
});

/** Computes weightGrad (OIHW) from input and outputGrad (NCHW). */
export function tiledWeightGrad(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  weightGrad: PooledBuffer,
): void {
  const { kernelHeight, kernelWidth, groups = 1 } = s;
  const [inChannels, outChannels] = [s.inChannels / groups, s.outChannels / groups];
  const columns = inChannels * kernelHeight * kernelWidth;
  const plane = s.outHeight * s.outWidth;
  const [x, y] = [Math.ceil(columns / TILE), Math.ceil(outChannels / TILE) * groups];
  const sum = {
    terms: s.batch * plane,
    count: s.outChannels * columns,
    workgroups: x * y,
    wanted: WANTED_WORKGROUPS,
    leastTerms: DEPTH,
    multiple: DEPTH,
    label: `weightGrad ${describeConv2d(s)}`,
  };
  inSlices(gpu, sum, weightGrad, (target, pixelsPerSlice, slices) => {
    launch(gpu, kernel, {
      buffers: { input, outputGrad, weightGrad: target },
      constants: { kernelHeight, kernelWidth, vector: plane % 4 === 0 },
      uniforms: { dilationHeight: 1, dilationWidth: 1, ...s, groups, inChannels, outChannels, pixelsPerSlice },
      workgroups: [x, y, slices],
      label: sum.label,
    });
  });
}
