/**
 * Convolutions for CPU adapters: register tiles, with weights packed in the order of their loads. Forward and input
 * gradient are the same kernel on different jobs. The input gradient of a stride s runs s·s jobs, one per phase.
 */
import type { Gpu } from '../../../gpu/gpu.ts';
import type { PooledBuffer } from '../../../gpu/pool.ts';
import { linearGrid } from '../../grid.ts';
import { defineKernel, launch } from '../../kernel.ts';
import { shuffleLanes } from '../../shuffle-lanes.ts';
import { upTo } from '../../up-to.ts';
import { vectorOf } from '../../vector-of.ts';
import { inputColumns, inputLoads } from '../input-loads.ts';
import { defineNormalisable, launchNormalised, type Normalisation } from '../normalised.ts';
import { forwardGeometry, inputGradGeometry, inputGradPhases, type JobGeometry, phaseSteps } from '../phases.ts';
import { type Conv2dKernels, type Conv2dShape, type ConvWeight, describeConv2d } from '../shape.ts';
import { rowsWeightGrad } from './rows-weight-grad.ts';

/** Kernel widths whose taps are unrolled, which lets a loaded input serve all of them. Others loop over single taps. */
const UNROLLED_TAPS = [1, 2, 3, 5, 7];
/** Result channels and pixels per invocation. */
const TILE = 32;
const PIXELS = 7;
/** Channels per invocation of pack.wgsl, as in the shader. */
const PACKED_CHANNELS = 8;

const packKernel = defineKernel({
  name: 'conv2d_pack',
  shader: 'conv2d/cpu/pack.wgsl',
  bindings: { weight: 'read', packed: 'read_write' },
  uniforms: {
    groups: 'u32',
    channels: 'u32',
    resultChannels: 'u32',
    packedChannels: 'u32',
    tile: 'u32',
    tapRows: 'u32',
    tapColumns: 'u32',
    channelStride: 'u32',
    resultStride: 'u32',
    groupStride: 'u32',
  },
});

/** Constants of the shader. */
export type RowsConstants = {
  /** Kernel columns that are unrolled. */
  readonly taps: number;
  /** Distance from one tap to the next in the packed weights: 1, or -stride for an input gradient. */
  readonly tapStep: number;
  /** Result channels per invocation: a multiple of 4. */
  readonly tile: number;
  /** Outputs per invocation. */
  readonly pixels: number;
  readonly strideWidth: number;
  /** Input pixels from one tap to the next. */
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  /** Subgroup size for shuffles: 4 or 8; 0: none. */
  readonly lanes: number;
  /** Whether the shader loops over single taps. */
  readonly loopTaps: boolean;
  /**
   * Floats per load and store: 4, 2 or 1. They divide the rows and the columns that `pixels` outputs read and write.
   */
  readonly inVector: number;
  readonly outVector: number;
  /** Columns before the first vector of inputs. */
  readonly inAlign: number;
};

/** Returns the lists that the shader unrolls. */
export function unrollRows(constants: RowsConstants) {
  const { taps, tapStep, tile, pixels, strideWidth, dilationWidth, lanes, inVector, inAlign } = constants;
  const cut = { vector: inVector, align: inAlign, early: true };
  const loads = inputLoads(inputColumns(pixels, taps, strideWidth, dilationWidth), cut);
  // In forward the taps are adjacent, so the lanes divide them as one block.
  const joined = tapStep === 1;
  const vectors = ((joined ? taps : 1) * tile) / 4;
  const perLane = lanes ? Math.ceil(vectors / lanes) : vectors;
  return {
    invocations: lanes || 8,
    loads: loads.map((load) => ({ ...load, name: `${load.floats > 1 ? 'v' : 'x'}${load.wanted[0]}` })),
    /** Vectors of packed weights that an invocation loads in a step, and their offsets from the first. */
    weightLoads: Array.from({ length: (joined ? 1 : taps) * perLane }, (_, i) => {
      const [tap, vector] = [Math.floor(i / perLane), i % perLane];
      return { name: `w${tap}_${vector}`, offset: (tap * tapStep * tile) / 4 + vector * (lanes || 1) };
    }),
    /** Locates a tap's weight for channel `i` of the tile: vector, component, and the lane that loaded it. */
    weightAt: (tap: number, i: number) => {
      const vector = ((joined ? tap * tile : 0) + i) >> 2;
      const place = lanes ? { load: Math.floor(vector / lanes), lane: vector % lanes } : { load: vector, lane: 0 };
      return { name: `w${joined ? 0 : tap}_${place.load}`, component: 'xyzw'[i & 3], lane: place.lane };
    },
  };
}

const rowsKernel = defineNormalisable({
  name: 'conv2d_rows',
  shader: 'conv2d/cpu/rows.wgsl',
  derive: unrollRows,
  bindings: { input: 'read', packed: 'read', output: 'read_write' },
  uniforms: {
    batch: 'u32',
    groups: 'u32',
    groupTiles: 'u32',
    channels: 'u32',
    inHeight: 'u32',
    inWidth: 'u32',
    resultChannels: 'u32',
    gridHeight: 'u32',
    gridWidth: 'u32',
    rowSegments: 'u32',
    segments: 'u32',
    tapRows: 'u32',
    tapColumns: 'u32',
    strideHeight: 'u32',
    originRow: 'i32',
    originColumn: 'i32',
    outHeight: 'u32',
    outWidth: 'u32',
    outStepHeight: 'u32',
    outStepWidth: 'u32',
    outOffsetHeight: 'u32',
    outOffsetWidth: 'u32',
    weightTile: 'u32',
    weightStart: 'i32',
    weightStep: 'i32',
    weightRow: 'i32',
    weightChannel: 'i32',
  },
  example: {
    ...{ taps: 3, tapStep: 1, tile: 32, pixels: 4, strideWidth: 2, lanes: 8, loopTaps: false },
    ...{ dilationHeight: 1, dilationWidth: 1, inVector: 4, inAlign: 1, outVector: 4 },
  },
});

/** The layout of packed weights: a group's channels that are summed over, and its tiles of result channels. */
export interface PackPlan {
  readonly groups: number;
  readonly channels: number;
  readonly resultChannels: number;
  readonly packedChannels: number;
  readonly tile: number;
  readonly tapRows: number;
  readonly tapColumns: number;
  readonly channelStride: number;
  readonly resultStride: number;
  readonly groupStride: number;
}

/** Returns the bytes of packed weights, including those beyond the end that the last lanes' loads may read. */
export function packedBytes(plan: PackPlan): number {
  return (plan.groups * plan.channels * plan.tapRows * plan.tapColumns * plan.packedChannels + 32) * 4;
}

/**
 * Returns the packing for the forward pass, or for the input gradient. Tiles are as large as they may be, and of one size: 40
 * channels are two tiles of 20, as half of a tile of 32 would be padding.
 */
export function packPlan(s: Conv2dShape, pass: 'forward' | 'inputGrad', largestTile: number): PackPlan {
  const { groups = 1 } = s;
  const [inChannels, outChannels] = [s.inChannels / groups, s.outChannels / groups];
  const taps = s.kernelHeight * s.kernelWidth;
  const [ofInput, ofOutput] = [taps, inChannels * taps];
  const forward = pass === 'forward';
  const resultChannels = forward ? outChannels : inChannels;
  const tile = upTo(4, Math.ceil(resultChannels / Math.ceil(resultChannels / largestTile)));
  return {
    groups,
    channels: forward ? inChannels : outChannels,
    resultChannels,
    packedChannels: upTo(tile, resultChannels),
    tile,
    tapRows: s.kernelHeight,
    tapColumns: s.kernelWidth,
    channelStride: forward ? ofInput : ofOutput,
    resultStride: forward ? ofOutput : ofInput,
    groupStride: outChannels * ofOutput,
  };
}

/** Returns the weights packed by a plan. The plan is the cache key, because equal plans give equal bytes. */
function packed(gpu: Gpu, plan: PackPlan, weight: ConvWeight): PooledBuffer {
  return weight.derive(
    `rows ${Object.values(plan).join(',')}`,
    () => gpu.pool.acquire(packedBytes(plan)),
    (target) => {
      launch(gpu, packKernel, {
        buffers: { weight: weight.buffer, packed: target },
        uniforms: plan,
        workgroups: [
          Math.ceil((plan.groups * plan.packedChannels) / 64),
          Math.ceil(plan.channels / PACKED_CHANNELS),
          1,
        ],
      });
    },
  );
}

/**
 * Returns result channels and pixels per invocation: the fastest measured whose loop about fits the instruction cache.
 */
export function forwardTile(s: Conv2dShape): { readonly tile: number; readonly pixels: number } {
  if (s.strideWidth === 2 && s.kernelWidth === 7) return { tile: 8, pixels: 8 };
  // Vectors are faster for rows that they divide. 7 divides every other width of ResNet at 224.
  const inVectors = s.strideWidth === 2 && s.kernelWidth > 1 && s.outWidth % 4 === 0;
  // Few result channels leave registers for more pixels, and weights are loaded less often.
  const few = s.outChannels <= TILE / 2 && s.outWidth % 8 === 0;
  return { tile: TILE, pixels: inVectors ? (few ? 8 : 4) : PIXELS };
}

/** output = convolution of input (NCHW) with weight. Writes all of output. */
function forward(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  weight: ConvWeight,
  output: PooledBuffer,
  after?: Normalisation,
): void {
  const { tile, pixels } = forwardTile(s);
  const plan = packPlan(s, 'forward', tile);
  const job: Job = { plan, pixels, weights: packed(gpu, plan, weight), firstTap: [0, 0], tapStep: [1, 1] };
  launchRows(gpu, job, s, input, output, `forward ${describeConv2d(s)}`, forwardGeometry(s), after);
}

/** Computes inputGrad from outputGrad and weight. Writes all of inputGrad. */
function inputGrad(gpu: Gpu, s: Conv2dShape, outputGrad: PooledBuffer, weight: ConvWeight, target: PooledBuffer): void {
  const plan = packPlan(s, 'inputGrad', TILE);
  const weights = packed(gpu, plan, weight);
  for (const phase of inputGradPhases(s)) {
    const job: Job = {
      plan,
      pixels: PIXELS,
      weights,
      firstTap: [phase.rows.first, phase.columns.first],
      tapStep: [-phaseSteps(s.strideHeight, s.dilationHeight).taps, -phaseSteps(s.strideWidth, s.dilationWidth).taps],
    };
    launchRows(gpu, job, s, outputGrad, target, `inputGrad ${describeConv2d(s)}`, inputGradGeometry(s, phase));
  }
}

export const rows: Conv2dKernels = { forward, inputGrad, weightGrad: rowsWeightGrad };

/** The packed weights of a launch, and which of their taps it uses, [rows, columns]. */
interface Job {
  readonly plan: PackPlan;
  readonly weights: PooledBuffer;
  readonly pixels: number;
  readonly firstTap: readonly [number, number];
  readonly tapStep: readonly [number, number];
}

function launchRows(
  gpu: Gpu,
  { plan, weights, pixels, firstTap, tapStep }: Job,
  { kernelHeight, kernelWidth }: Conv2dShape,
  input: PooledBuffer,
  output: PooledBuffer,
  label: string,
  geometry: JobGeometry,
  after?: Normalisation,
): void {
  const { tapRows, tapColumns, strideWidth, dilationHeight, dilationWidth } = geometry;
  // A phase that no tap reaches writes zeros. Any shader does that, so it takes a simple one.
  const unrolled = UNROLLED_TAPS.includes(tapColumns || 1);
  const taps = unrolled ? tapColumns || 1 : 1;
  const lanes = shuffleLanes(gpu.traits);
  const rowSegments = Math.ceil(geometry.gridWidth / pixels);
  const segments = geometry.batch * geometry.gridHeight * rowSegments;
  const [x, z] = linearGrid(segments, lanes || 8);
  // Single taps start anywhere in a vector.
  const inVector = unrolled ? vectorOf(geometry.inWidth, pixels * strideWidth) : 1;
  const inAlign = ((-geometry.originColumn % inVector) + inVector) % inVector;
  const outVector = geometry.outStepWidth === 1 ? vectorOf(geometry.outWidth, pixels) : 1;
  // Vectors of packed weights of a tap and of a kernel row.
  const tap = plan.tile / 4;
  const row = kernelWidth * tap;
  const [rowStep, columnStep] = [tapStep[0] * row, tapStep[1] * tap];
  const run = {
    buffers: { input, packed: weights, output },
    constants: {
      ...{ taps, tapStep: unrolled ? tapStep[1] : 1, tile: plan.tile, pixels, strideWidth, lanes, loopTaps: !unrolled },
      ...{ dilationHeight, dilationWidth, inVector, inAlign, outVector },
    },
    uniforms: {
      ...geometry,
      groupTiles: plan.packedChannels / plan.tile,
      rowSegments,
      segments,
      weightTile: plan.channels * kernelHeight * row,
      weightStart: firstTap[0] * row + firstTap[1] * tap,
      weightStep: unrolled ? rowStep : columnStep,
      weightRow: rowStep - tapColumns * columnStep,
      weightChannel: kernelHeight * row - tapRows * rowStep,
    },
    workgroups: [x, (plan.groups * plan.packedChannels) / plan.tile, z] as const,
    label,
  };
  launchNormalised(gpu, rowsKernel, run, after);
}
