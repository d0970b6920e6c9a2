/**
 * Convolutions of each input channel with kernels of its own: as many groups as input channels. Forward and input
 * gradient are the same kernel on different jobs, as in `tiled`. For all adapters.
 */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { halfOf } from '../half.ts';
import type { Kernel } from '../kernel.ts';
import { planWalks, unrollWindow, type Window } from './depthwise-walk.ts';
import { depthwiseWeightGrad } from './depthwise-weight-grad.ts';
import { defineNormalisable, launchNormalised, type Normalisation } from './normalised.ts';
import { forwardGeometry, inputGradGeometry, inputGradPhases, type JobGeometry, phaseSteps } from './phases.ts';
import { type Conv2dKernels, type Conv2dShape, type ConvWeight, describeConv2d } from './shape.ts';

/** The largest kernel whose taps fit registers, and the largest stride whose window does. */
const MOST_TAPS = 7;
const MOST_STRIDE = 4;

/** Returns whether every input channel is a group, and the kernel small enough to keep in registers. */
export function depthwiseFits(s: Conv2dShape): boolean {
  return (
    s.groups === s.inChannels &&
    s.groups > 1 &&
    Math.max(s.kernelHeight, s.kernelWidth) <= MOST_TAPS &&
    Math.max(s.strideHeight, s.strideWidth) <= MOST_STRIDE
  );
}

const declaration = {
  name: 'conv2d_depthwise',
  shader: 'conv2d/depthwise.wgsl',
  derive: (constants) => unrollWindow(constants as unknown as Window),
  bindings: { input: 'read', weight: 'read', output: 'read_write' },
  uniforms: {
    walks: 'u32',
    strips: 'u32',
    lines: 'u32',
    rowStep: 'u32',
    rowsPerWalk: 'u32',
    groups: 'u32',
    channels: 'u32',
    resultChannels: 'u32',
    ownKernel: 'u32',
    inHeight: 'u32',
    inWidth: 'u32',
    gridHeight: 'u32',
    gridWidth: 'u32',
    strideHeight: 'u32',
    dilationHeight: 'u32',
    originRow: 'i32',
    originColumn: 'i32',
    outHeight: 'u32',
    outWidth: 'u32',
    outStepHeight: 'u32',
    outStepWidth: 'u32',
    outOffsetHeight: 'u32',
    outOffsetWidth: 'u32',
    kernelSize: 'u32',
    weightStart: 'i32',
    weightRow: 'i32',
    weightStep: 'i32',
  },
  example: {
    ...{ tapRows: 3, tapColumns: 3, pixels: 4, strideWidth: 1, dilationWidth: 1, shift: 1 },
    ...{ inVector: 4, inAlign: 1, outVector: 4, whole: true, workgroup: 8 },
  },
} as const satisfies Kernel;
const kernel = defineNormalisable(declaration);
const kernelHalf = defineNormalisable(halfOf(declaration));

/** The weights that a job uses. */
interface Taps {
  /** Place of the first tap in a kernel, and the distances to the next row of taps and to the next tap. */
  readonly weightStart: number;
  readonly weightRow: number;
  readonly weightStep: number;
  /** The kernel of those that lead to one channel of the result. Results of all but the first are added. */
  readonly ownKernel: number;
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
  const taps: Taps = { weightStart: 0, weightRow: s.kernelWidth, weightStep: 1, ownKernel: 0 };
  const buffers = { input, weight: weight.buffer, output };
  launchJob(gpu, s, forwardGeometry(s), taps, buffers, `forward ${describeConv2d(s)}`, after);
}

/** Computes inputGrad (NCHW) from outputGrad (NCHW) and weight (OIHW). The kernels of a channel add up in order. */
function inputGrad(gpu: Gpu, s: Conv2dShape, outputGrad: PooledBuffer, weight: ConvWeight, target: PooledBuffer): void {
  const buffers = { input: outputGrad, weight: weight.buffer, output: target };
  for (const phase of inputGradPhases(s)) {
    const geometry = inputGradGeometry(s, phase);
    const taps = {
      weightStart: phase.rows.first * s.kernelWidth + phase.columns.first,
      weightRow: -phaseSteps(s.strideHeight, s.dilationHeight).taps * s.kernelWidth,
      weightStep: -phaseSteps(s.strideWidth, s.dilationWidth).taps,
    };
    for (let ownKernel = 0; ownKernel < geometry.channels; ownKernel++) {
      launchJob(gpu, s, geometry, { ...taps, ownKernel }, buffers, `inputGrad ${describeConv2d(s)}`);
    }
  }
}

export const depthwise: Conv2dKernels = { forward, inputGrad, weightGrad: depthwiseWeightGrad };

function launchJob(
  gpu: Gpu,
  { half, kernelHeight, kernelWidth }: Conv2dShape,
  geometry: JobGeometry,
  taps: Taps,
  buffers: Readonly<Record<'input' | 'weight' | 'output', PooledBuffer>>,
  label: string,
  after?: Normalisation,
): void {
  const planes = geometry.batch * geometry.groups * geometry.resultChannels;
  const { constants, outVector, walks } = planWalks(geometry, planes, gpu.traits.kind);
  const count = planes * walks.strips * walks.lines;
  const run = {
    buffers,
    constants: { ...constants, outVector, ...(taps.ownKernel > 0 && { add: true }), ...(half && { half }) },
    uniforms: { ...geometry, ...taps, ...walks, walks: count, kernelSize: kernelHeight * kernelWidth },
    workgroups: linearGrid(count, constants.workgroup),
    label,
  };
  launchNormalised(gpu, half ? kernelHalf : kernel, run, after);
}
