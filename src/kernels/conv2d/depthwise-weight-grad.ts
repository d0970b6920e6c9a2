/** Weight gradient of a depthwise convolution: a sum per tap for each invocation, and slices that add up in order. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';
import { inSlices } from '../sum-slices.ts';
import { planWalks, unrollWindow, type Window } from './depthwise-walk.ts';
import { forwardGeometry } from './phases.ts';
import { type Conv2dShape, describeConv2d } from './shape.ts';

/** The sum is cut into slices until it has this many workgroups, which keeps the device busy. */
const WANTED_WORKGROUPS = { cpu: 128, gpu: 512 } as const;

const kernel = defineKernel({
  name: 'conv2d_depthwise_weight_grad',
  shader: 'conv2d/depthwise-weight-grad.wgsl',
  derive: (constants) => unrollWindow(constants as unknown as Window),
  bindings: { input: 'read', outputGrad: 'read', weightGrad: 'read_write' },
  uniforms: {
    walks: 'u32',
    strips: 'u32',
    lines: 'u32',
    rowStep: 'u32',
    rowsPerWalk: 'u32',
    slices: 'u32',
    inChannels: 'u32',
    outChannels: 'u32',
    inHeight: 'u32',
    inWidth: 'u32',
    outHeight: 'u32',
    outWidth: 'u32',
    strideHeight: 'u32',
    dilationHeight: 'u32',
    paddingHeight: 'u32',
    paddingWidth: 'u32',
  },
  example: {
    ...{ tapRows: 3, tapColumns: 3, pixels: 4, strideWidth: 1, dilationWidth: 1, shift: 1 },
    ...{ inVector: 4, inAlign: 1, gradVector: 4, whole: true, workgroup: 8 },
  },
});

/** Computes weightGrad (OIHW) from input and outputGrad (NCHW). */
export function depthwiseWeightGrad(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  weightGrad: PooledBuffer,
): void {
  const { kind } = gpu.traits;
  const { constants, outVector, walks } = planWalks(forwardGeometry(s), s.batch * s.outChannels, kind);
  const { workgroup } = constants;
  const sum = {
    terms: s.batch * walks.strips * walks.lines,
    count: s.outChannels * s.kernelHeight * s.kernelWidth,
    workgroups: Math.ceil(s.outChannels / workgroup),
    wanted: WANTED_WORKGROUPS[kind],
    leastTerms: 1,
    label: `weightGrad ${describeConv2d(s)}`,
  };
  inSlices(gpu, sum, weightGrad, (target, _, slices) => {
    launch(gpu, kernel, {
      buffers: { input, outputGrad, weightGrad: target },
      constants: { ...constants, gradVector: outVector },
      uniforms: { dilationHeight: 1, ...s, ...walks, walks: sum.terms, slices },
      workgroups: linearGrid(s.outChannels * slices, workgroup),
      label: sum.label,
    });
  });
}
