/**
 * Convolutions for GPUs: implicit matrix products with tiles in workgroup memory, within WebGPU's default limits.
 * Forward and input gradient are the same kernel on different geometries. The input gradient of a stride s runs it s·s
 * times, once per phase.
 */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { halfOf } from '../half.ts';
import { defineKernel, type Kernel, launch } from '../kernel.ts';
import { inSlices } from '../sum-slices.ts';
import { DEPTH, TILE, WANTED_WORKGROUPS } from '../tiles.ts';
import { defineNormalisable, launchNormalised, type Normalisation } from './normalised.ts';
import {
  forwardGeometry,
  type InputGradPhase,
  inputGradGeometry,
  inputGradPhases,
  type JobGeometry,
  phaseSteps,
} from './phases.ts';
import { type Conv2dKernels, type Conv2dShape, type ConvWeight, describeConv2d } from './shape.ts';
import { tiledWeightGrad } from './tiled-weight-grad.ts';

const declaration = {
  name: 'conv2d_tiled',
  shader: 'conv2d/tiled.wgsl',
  bindings: { input: 'read', weight: 'read', output: 'read_write' },
  uniforms: {
    batch: 'u32',
    groups: 'u32',
    channels: 'u32',
    inHeight: 'u32',
    inWidth: 'u32',
    resultChannels: 'u32',
    gridHeight: 'u32',
    gridWidth: 'u32',
    strideHeight: 'u32',
    strideWidth: 'u32',
    dilationHeight: 'u32',
    dilationWidth: 'u32',
    originRow: 'i32',
    originColumn: 'i32',
    outHeight: 'u32',
    outWidth: 'u32',
    outStepHeight: 'u32',
    outStepWidth: 'u32',
    outOffsetHeight: 'u32',
    outOffsetWidth: 'u32',
    depths: 'u32',
    depthsPerSlice: 'u32',
    rowTiles: 'u32',
  },
  example: { tapRows: 3, tapColumns: 3, vector: true },
} as const satisfies Kernel;
const kernel = defineNormalisable(declaration);
const kernelHalf = defineNormalisable(halfOf(declaration));

const turnKernel = defineKernel({
  name: 'conv2d_turn',
  shader: 'conv2d/turn.wgsl',
  bindings: { weight: 'read', turned: 'read_write' },
  uniforms: {
    pairs: 'u32',
    inChannels: 'u32',
    outChannels: 'u32',
    kernelHeight: 'u32',
    kernelWidth: 'u32',
    tapRows: 'u32',
    tapColumns: 'u32',
    firstRow: 'u32',
    firstColumn: 'u32',
    rowStep: 'u32',
    columnStep: 'u32',
  },
});

/** A product for each group: its geometry, and its first operands, [groups, resultChannels, depths]. */
interface Job {
  readonly weight: PooledBuffer;
  readonly geometry: JobGeometry;
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
  const job: Job = { weight: weight.buffer, geometry: forwardGeometry(s) };
  runJobs(gpu, [job], input, output, { label: `forward ${describeConv2d(s)}`, half: s.half, normalisation: after });
}

/** Computes inputGrad (NCHW) from outputGrad (NCHW) and weight (OIHW). */
function inputGrad(gpu: Gpu, s: Conv2dShape, outputGrad: PooledBuffer, weight: ConvWeight, target: PooledBuffer): void {
  const jobs = inputGradPhases(s).map(
    (phase): Job => ({ weight: turned(gpu, s, phase, weight), geometry: inputGradGeometry(s, phase) }),
  );
  runJobs(gpu, jobs, outputGrad, target, { label: `inputGrad ${describeConv2d(s)}` });
}

export const tiled: Conv2dKernels = { forward, inputGrad, weightGrad: tiledWeightGrad };

/** Returns the weights of a phase in the layout of its product. A phase without taps reads no weights. */
function turned(gpu: Gpu, s: Conv2dShape, { rows, columns }: InputGradPhase, weight: ConvWeight): PooledBuffer {
  if (rows.count * columns.count === 0) return weight.buffer;
  const { groups = 1 } = s;
  const [inChannels, outChannels] = [s.inChannels / groups, s.outChannels / groups];
  const pairs = groups * inChannels * outChannels;
  const uniforms = {
    pairs,
    inChannels,
    outChannels,
    kernelHeight: s.kernelHeight,
    kernelWidth: s.kernelWidth,
    tapRows: rows.count,
    tapColumns: columns.count,
    firstRow: rows.first,
    firstColumn: columns.first,
    rowStep: phaseSteps(s.strideHeight, s.dilationHeight).taps,
    columnStep: phaseSteps(s.strideWidth, s.dilationWidth).taps,
  };
  const bytes = pairs * rows.count * columns.count * 4;
  return weight.derive(
    `turned ${Object.values(uniforms).join(',')}`,
    () => gpu.pool.acquire(bytes),
    (target) => {
      launch(gpu, turnKernel, {
        buffers: { weight: weight.buffer, turned: target },
        uniforms,
        workgroups: linearGrid(pairs, 64),
      });
    },
  );
}

interface JobOptions {
  readonly label: string;
  /** Whether input, weights and output are f16. */
  readonly half?: boolean | undefined;
  readonly normalisation?: Normalisation | undefined;
}

/** Runs jobs that together write all of the output; each job's depth is cut into the same number of slices. */
function runJobs(
  gpu: Gpu,
  jobs: readonly Job[],
  input: PooledBuffer,
  output: PooledBuffer,
  { label, half, normalisation }: JobOptions,
): void {
  const depthsOf = ({ geometry: g }: Job) => g.channels * g.tapRows * g.tapColumns;
  const grids = jobs.map(({ geometry: g }) => linearGrid(g.batch * g.gridHeight * g.gridWidth, TILE));
  const { batch, groups, resultChannels, outHeight, outWidth } = jobs[0]!.geometry;
  const rowTiles = Math.ceil(resultChannels / TILE);
  const plane = outHeight * outWidth;
  const sum = {
    terms: Math.max(...jobs.map(depthsOf)),
    count: batch * groups * resultChannels * plane,
    workgroups: groups * rowTiles * Math.min(...grids.map(([x, z]) => x * z)),
    wanted: WANTED_WORKGROUPS,
    leastTerms: DEPTH,
    label,
    half,
    multiple: DEPTH,
  };
  const after = normalisation && { normalisation, channels: groups * resultChannels, plane };
  const run = (target: PooledBuffer, _: number, slices: number) => {
    for (const [i, job] of jobs.entries()) {
      const depths = depthsOf(job);
      const [x, z] = grids[i]!;
      const one = {
        buffers: { input, weight: job.weight, output: target },
        // A job without taps writes zeros, which any shader does.
        constants: {
          ...{ tapRows: job.geometry.tapRows || 1, tapColumns: job.geometry.tapColumns || 1 },
          vector: depths > 0 && depths % 4 === 0,
          ...(half && { half, sliced: slices > 1 }),
        },
        uniforms: {
          ...job.geometry,
          depths,
          depthsPerSlice: Math.ceil(depths / slices / DEPTH) * DEPTH,
          rowTiles,
        },
        workgroups: [x, rowTiles * groups * slices, z] as const,
        label,
      };
      launchNormalised(gpu, half ? kernelHalf : kernel, one, slices === 1 ? normalisation : undefined);
    }
  };
  inSlices(gpu, sum, output, run, after);
}
