/**
 * Convolutions for CPU adapters: register tiles, weights packed for the order in which they are loaded. Forward and input
 * gradient are the same kernel on different "jobs"; the input gradient of a stride s is s·s of them, one per phase.
 */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { rowsWeightGrad } from './conv2d-rows-weight-grad.ts';
import { type Conv2dKernels, type Conv2dShape, describeConv2d, type WeightForms } from './conv2d-shape.ts';
import { linearGrid } from './grid.ts';
import { defineKernel, launch } from './kernel.ts';
import { shuffleLanes } from './shuffle-lanes.ts';

/** Result channels and pixels per invocation, as in the shader. */
const TILE = 32;
const PIXELS = 7;
/** Kernel widths whose taps are unrolled, so that a loaded input serves all of them. Others loop over single taps. */
const UNROLLED_TAPS = [1, 2, 3, 5, 7];
const packKernel = defineKernel({
  name: 'conv2d_pack',
  shader: 'conv2d-pack.wgsl',
  bindings: { weight: 'read', packed: 'read_write' },
  uniforms: {
    channels: 'u32',
    resultChannels: 'u32',
    packedChannels: 'u32',
    tapRows: 'u32',
    tapColumns: 'u32',
    channelStride: 'u32',
    resultStride: 'u32',
    kernelWidth: 'u32',
    firstRow: 'i32',
    rowStep: 'i32',
    firstColumn: 'i32',
    columnStep: 'i32',
  },
});

const rowsKernel = defineKernel({
  name: 'conv2d_rows',
  shader: 'conv2d-rows.wgsl',
  bindings: { input: 'read', packed: 'read', output: 'read_write' },
  uniforms: {
    batch: 'u32',
    channels: 'u32',
    inHeight: 'u32',
    inWidth: 'u32',
    resultChannels: 'u32',
    packedChannels: 'u32',
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
  },
  example: { taps: 3, strideWidth: 1, lanes: 8, loopTaps: false },
});

/** How one job's weights are packed: which taps, and which channel is summed over. */
export interface PackPlan {
  readonly channels: number;
  readonly resultChannels: number;
  readonly packedChannels: number;
  readonly tapRows: number;
  readonly tapColumns: number;
  readonly channelStride: number;
  readonly resultStride: number;
  readonly kernelWidth: number;
  readonly firstRow: number;
  readonly rowStep: number;
  readonly firstColumn: number;
  readonly columnStep: number;
}

/** Bytes of packed weights: at least one vector, also for a phase that no tap reaches. */
export function packedBytes(plan: PackPlan): number {
  return Math.max(1, plan.channels * plan.tapRows * plan.tapColumns) * plan.packedChannels * 4;
}

const packedExtent = (channels: number) => Math.ceil(channels / TILE) * TILE;

/** Packing for the forward pass. */
export function forwardPackPlan(s: Conv2dShape): PackPlan {
  const taps = s.kernelHeight * s.kernelWidth;
  return {
    channels: s.inChannels,
    resultChannels: s.outChannels,
    packedChannels: packedExtent(s.outChannels),
    tapRows: s.kernelHeight,
    tapColumns: s.kernelWidth,
    channelStride: taps,
    resultStride: s.inChannels * taps,
    kernelWidth: s.kernelWidth,
    firstRow: 0,
    rowStep: 1,
    firstColumn: 0,
    columnStep: 1,
  };
}

/** Taps of one axis that reach the input positions ≡ phase (mod stride), last first, and where the first one reads. */
export function phaseTaps(phase: number, kernel: number, stride: number, padding: number) {
  let first = kernel - 1;
  while (first >= 0 && (phase + padding - first) % stride !== 0) first--;
  const count = first < 0 ? 0 : Math.floor(first / stride) + 1;
  return { first: Math.max(first, 0), count, origin: count ? (phase + padding - first) / stride : 0 };
}

/** One phase of an input gradient. */
export interface InputGradPhase {
  readonly plan: PackPlan;
  readonly row: number;
  readonly column: number;
  readonly originRow: number;
  readonly originColumn: number;
}

/** The phases of an input gradient, without those that have no pixel. */
export function inputGradPhases(s: Conv2dShape): InputGradPhase[] {
  const taps = s.kernelHeight * s.kernelWidth;
  const phases: InputGradPhase[] = [];
  for (let row = 0; row < Math.min(s.strideHeight, s.inHeight); row++) {
    for (let column = 0; column < Math.min(s.strideWidth, s.inWidth); column++) {
      const rows = phaseTaps(row, s.kernelHeight, s.strideHeight, s.paddingHeight);
      const columns = phaseTaps(column, s.kernelWidth, s.strideWidth, s.paddingWidth);
      const plan: PackPlan = {
        channels: s.outChannels,
        resultChannels: s.inChannels,
        packedChannels: packedExtent(s.inChannels),
        tapRows: columns.count ? rows.count : 0,
        tapColumns: columns.count,
        channelStride: s.inChannels * taps,
        resultStride: taps,
        kernelWidth: s.kernelWidth,
        firstRow: rows.first,
        rowStep: -s.strideHeight,
        firstColumn: columns.first,
        columnStep: -s.strideWidth,
      };
      phases.push({ plan, row, column, originRow: rows.origin, originColumn: columns.origin });
    }
  }
  return phases;
}

/** The weights packed by a plan. Equal plans give equal bytes, so that the plan is the key. */
function packed(gpu: Gpu, plan: PackPlan, weight: WeightForms): PooledBuffer {
  return weight.form(`rows ${Object.values(plan).join(',')}`, packedBytes(plan), (target) => {
    if (plan.tapRows * plan.tapColumns === 0) return;
    launch(gpu, packKernel, {
      buffers: { weight: weight.original, packed: target },
      uniforms: plan,
      workgroups: [Math.ceil(plan.packedChannels / 64), plan.channels, 1],
    });
  });
}

/** output = convolution of input (NCHW) with weight. Writes all of output. */
function forward(gpu: Gpu, s: Conv2dShape, input: PooledBuffer, weight: WeightForms, output: PooledBuffer): void {
  const plan = forwardPackPlan(s);
  launchRows(gpu, plan, input, packed(gpu, plan, weight), output, s.strideWidth, `forward ${describeConv2d(s)}`, {
    batch: s.batch,
    inHeight: s.inHeight,
    inWidth: s.inWidth,
    gridHeight: s.outHeight,
    gridWidth: s.outWidth,
    strideHeight: s.strideHeight,
    originRow: -s.paddingHeight,
    originColumn: -s.paddingWidth,
    outHeight: s.outHeight,
    outWidth: s.outWidth,
    outStepHeight: 1,
    outStepWidth: 1,
    outOffsetHeight: 0,
    outOffsetWidth: 0,
  });
}

/** inputGrad from outputGrad and weight. Writes all of inputGrad. */
function inputGrad(
  gpu: Gpu,
  s: Conv2dShape,
  outputGrad: PooledBuffer,
  weight: WeightForms,
  target: PooledBuffer,
): void {
  const phases = inputGradPhases(s).map((phase) => ({ ...phase, weights: packed(gpu, phase.plan, weight) }));
  for (const phase of phases) {
    launchRows(gpu, phase.plan, outputGrad, phase.weights, target, 1, `inputGrad ${describeConv2d(s)}`, {
      batch: s.batch,
      inHeight: s.outHeight,
      inWidth: s.outWidth,
      gridHeight: Math.ceil((s.inHeight - phase.row) / s.strideHeight),
      gridWidth: Math.ceil((s.inWidth - phase.column) / s.strideWidth),
      strideHeight: 1,
      originRow: phase.originRow,
      originColumn: phase.originColumn,
      outHeight: s.inHeight,
      outWidth: s.inWidth,
      outStepHeight: s.strideHeight,
      outStepWidth: s.strideWidth,
      outOffsetHeight: phase.row,
      outOffsetWidth: phase.column,
    });
  }
}

export const rows: Conv2dKernels = { forward, inputGrad, weightGrad: rowsWeightGrad };

type RowsGeometry = Omit<
  Record<keyof typeof rowsKernel.uniforms, number>,
  'channels' | 'resultChannels' | 'packedChannels' | 'rowSegments' | 'segments' | 'tapRows' | 'tapColumns'
>;

function launchRows(
  gpu: Gpu,
  plan: PackPlan,
  input: PooledBuffer,
  packed: PooledBuffer,
  output: PooledBuffer,
  strideWidth: number,
  label: string,
  geometry: RowsGeometry,
): void {
  // A phase that no tap reaches writes zeros: any shader does, so it takes a simple one.
  const taps = plan.tapColumns || 1;
  const unrolled = UNROLLED_TAPS.includes(taps);
  const lanes = shuffleLanes(gpu.traits);
  const rowSegments = Math.ceil(geometry.gridWidth / PIXELS);
  const segments = geometry.batch * geometry.gridHeight * rowSegments;
  const [x, z] = linearGrid(segments, lanes || 8);
  launch(gpu, rowsKernel, {
    buffers: { input, packed, output },
    constants: { taps: unrolled ? taps : 1, strideWidth, lanes, loopTaps: !unrolled },
    uniforms: {
      ...geometry,
      channels: plan.channels,
      resultChannels: plan.resultChannels,
      packedChannels: plan.packedChannels,
      rowSegments,
      segments,
      tapRows: plan.tapRows,
      tapColumns: plan.tapColumns,
    },
    workgroups: [x, plan.packedChannels / TILE, z],
    label,
  });
}
