/** Convolutions for GPUs: implicit matrix products with tiles in workgroup memory. They need only WebGPU's default limits. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { defineNormalisable, launchNormalised, type Normalisation } from './conv2d-normalised.ts';
import { type Conv2dKernels, type Conv2dShape, describeConv2d, type WeightForms } from './conv2d-shape.ts';
import { linearGrid } from './grid.ts';
import { halfOf } from './half.ts';
import { defineKernel, launch, type Scalar } from './kernel.ts';
import { inSlices } from './sum-slices.ts';

/** Rows and columns of the tile of one workgroup, as in the shaders. */
const TILE = 64;
/** The weight gradient is cut into slices until it has this many workgroups. */
const WEIGHT_GRAD_WORKGROUPS = 128;
/** No slice sums fewer output pixels than this. */
const MIN_PIXELS_PER_SLICE = 256;

const shapeFields = {
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
  strideWidth: 'u32',
  paddingHeight: 'u32',
  paddingWidth: 'u32',
} as const satisfies Record<string, Scalar>;

const forwardDeclaration = {
  name: 'conv2d_tiled',
  shader: 'conv2d-tiled.wgsl',
  bindings: { input: 'read', weight: 'read', output: 'read_write' },
  uniforms: shapeFields,
} as const;
const forwardKernel = defineNormalisable(forwardDeclaration);
const forwardKernelHalf = defineNormalisable(halfOf(forwardDeclaration));

const inputGradKernel = defineKernel({
  name: 'conv2d_tiled_input_grad',
  shader: 'conv2d-tiled-input-grad.wgsl',
  bindings: { outputGrad: 'read', weight: 'read', inputGrad: 'read_write' },
  uniforms: shapeFields,
});

const weightGradKernel = defineKernel({
  name: 'conv2d_tiled_weight_grad',
  shader: 'conv2d-tiled-weight-grad.wgsl',
  bindings: { input: 'read', outputGrad: 'read', weightGrad: 'read_write' },
  uniforms: { ...shapeFields, pixelsPerSlice: 'u32' },
});

/** output = convolution of input (NCHW) with weight (OIHW); all f16 where the shape says so. */
function forward(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  weight: WeightForms,
  output: PooledBuffer,
  after?: Normalisation,
): void {
  const run = {
    buffers: { input, weight: weight.original, output },
    uniforms: s,
    workgroups: productGrid(s.outChannels, s.batch * s.outHeight * s.outWidth),
    label: `forward ${describeConv2d(s)}`,
    ...(s.half && { constants: { half: true } }),
  };
  launchNormalised(gpu, s.half ? forwardKernelHalf : forwardKernel, run, after);
}

/** inputGrad (NCHW) from outputGrad (NCHW) and weight (OIHW). */
function inputGrad(
  gpu: Gpu,
  s: Conv2dShape,
  outputGrad: PooledBuffer,
  weight: WeightForms,
  target: PooledBuffer,
): void {
  launch(gpu, inputGradKernel, {
    buffers: { outputGrad, weight: weight.original, inputGrad: target },
    uniforms: s,
    workgroups: productGrid(s.inChannels, s.batch * s.inHeight * s.inWidth),
    label: `inputGrad ${describeConv2d(s)}`,
  });
}

/** weightGrad (OIHW) from input and outputGrad (NCHW). */
function weightGrad(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  weightGrad: PooledBuffer,
): void {
  const columns = s.inChannels * s.kernelHeight * s.kernelWidth;
  const [x, y] = [Math.ceil(columns / TILE), Math.ceil(s.outChannels / TILE)];
  const sum = {
    terms: s.batch * s.outHeight * s.outWidth,
    count: s.outChannels * columns,
    workgroups: x * y,
    wanted: WEIGHT_GRAD_WORKGROUPS,
    leastTerms: MIN_PIXELS_PER_SLICE,
  };
  inSlices(gpu, sum, weightGrad, (target, pixelsPerSlice, slices) => {
    launch(gpu, weightGradKernel, {
      buffers: { input, outputGrad, weightGrad: target },
      uniforms: { ...s, pixelsPerSlice },
      workgroups: [x, y, slices],
      label: `weightGrad ${describeConv2d(s)}`,
    });
  });
}

/** Tiles over columns in x and z, over rows in y. */
function productGrid(rows: number, columns: number): [number, number, number] {
  const [x, z] = linearGrid(columns, TILE);
  return [x, Math.ceil(rows / TILE), z];
}

export const tiled: Conv2dKernels = { forward, inputGrad, weightGrad };
