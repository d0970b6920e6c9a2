/**
 * The convolution to read first: each pass computes the sum of its definition, one invocation per element of the
 * result. It computes every shape on every adapter, with groups and dilation, but slowly. Tests compare the other
 * variants with it.
 */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { halfOf } from '../half.ts';
import { defineKernel, type Kernel, launch } from '../kernel.ts';
import { defineNormalisable, launchNormalised, type Normalisation } from './normalised.ts';
import { type Conv2dKernels, type Conv2dShape, type ConvWeight, describeConv2d, weightsOf } from './shape.ts';

/** Invocations of a workgroup, as in the shaders. */
const WORKGROUP = 64;

const uniforms = {
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
  dilationHeight: 'u32',
  dilationWidth: 'u32',
  groups: 'u32',
} as const;

const declaration = {
  name: 'conv2d_reference',
  shader: 'conv2d/reference-forward.wgsl',
  bindings: { input: 'read', weight: 'read', output: 'read_write' },
  uniforms,
} as const satisfies Kernel;
const forwardKernel = defineNormalisable(declaration);
const forwardKernelHalf = defineNormalisable(halfOf(declaration));

const inputGradKernel = defineKernel({
  name: 'conv2d_reference_input_grad',
  shader: 'conv2d/reference-input-grad.wgsl',
  bindings: { outputGrad: 'read', weight: 'read', inputGrad: 'read_write' },
  uniforms,
});

const weightGradKernel = defineKernel({
  name: 'conv2d_reference_weight_grad',
  shader: 'conv2d/reference-weight-grad.wgsl',
  bindings: { input: 'read', outputGrad: 'read', weightGrad: 'read_write' },
  uniforms,
});

/** Returns everything a launch needs except buffers, for a result of this many elements. */
function launchOf(pass: keyof Conv2dKernels, s: Conv2dShape, elements: number) {
  return {
    uniforms: { dilationHeight: 1, dilationWidth: 1, groups: 1, ...s },
    workgroups: linearGrid(elements, WORKGROUP),
    label: `${pass} ${describeConv2d(s)}`,
  };
}

/** output = convolution of input (NCHW) with weight (OIHW); all f16 if the shape sets `half`. */
function forward(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  weight: ConvWeight,
  output: PooledBuffer,
  after?: Normalisation,
): void {
  const run = {
    ...launchOf('forward', s, s.batch * s.outChannels * s.outHeight * s.outWidth),
    buffers: { input, weight: weight.buffer, output },
    ...(s.half && { constants: { half: true } }),
  };
  launchNormalised(gpu, s.half ? forwardKernelHalf : forwardKernel, run, after);
}

/** Computes inputGrad (NCHW) from outputGrad (NCHW) and weight (OIHW). */
function inputGrad(gpu: Gpu, s: Conv2dShape, outputGrad: PooledBuffer, weight: ConvWeight, target: PooledBuffer): void {
  launch(gpu, inputGradKernel, {
    ...launchOf('inputGrad', s, s.batch * s.inChannels * s.inHeight * s.inWidth),
    buffers: { outputGrad, weight: weight.buffer, inputGrad: target },
  });
}

/** Computes weightGrad (OIHW) from input and outputGrad (NCHW). */
function weightGrad(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  target: PooledBuffer,
): void {
  launch(gpu, weightGradKernel, {
    ...launchOf('weightGrad', s, weightsOf(s)),
    buffers: { input, outputGrad, weightGrad: target },
  });
}

export const reference: Conv2dKernels = { forward, inputGrad, weightGrad };
