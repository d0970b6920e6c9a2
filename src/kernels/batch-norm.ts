/** Batch normalisation: statistics of a batch or of the run, normalising, and both halves of backward. */
import type { AdapterTraits, Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { linearGrid, stridingGrid } from './grid.ts';
import { defineKernel, launch } from './kernel.ts';

/** Extents of a tensor [batch, channels, plane]; plane = height · width. */
export interface Planes {
  readonly batch: number;
  readonly channels: number;
  readonly plane: number;
}

/**
 * How kernels reduce planes of this size: invocations per workgroup, how many elements one of them sums in a run, and
 * whether the workgroup is one subgroup that adds up by shuffles. On a CPU adapter it is one vector of lanes: there a
 * barrier between vectors costs more than summing a small plane.
 */
export function chooseReduction(traits: Pick<AdapterTraits, 'kind' | 'subgroupSize'>, plane: number) {
  if (traits.kind === 'gpu') return { workgroup: plane < 1024 ? 64 : 256, run: 16, subgroup: false };
  // Without subgroups of a fixed size the tree in workgroup memory takes the place of the shuffles.
  const subgroup = traits.subgroupSize > 1;
  return { workgroup: subgroup ? traits.subgroupSize : 8, run: 32, subgroup };
}

/** Elements of one plane per workgroup of the elementwise shaders: 64 invocations of 16, or 8 of 128. */
const PLANE_GROUP = 1024;

function elementwise(gpu: Gpu, { batch, channels, plane }: Planes) {
  const planes = batch * channels;
  return {
    uniforms: { planes, channels, plane },
    workgroups: [stridingGrid(plane, PLANE_GROUP), stridingGrid(planes), 1] as const,
    constants: { workgroup: gpu.traits.kind === 'cpu' ? 8 : 64 },
    label: `${batch}x${channels}x${plane}`,
  };
}

function reduction(gpu: Gpu, { batch, channels, plane }: Planes) {
  return {
    uniforms: { batch, channels, plane },
    workgroups: [stridingGrid(channels), 1, 1] as const,
    constants: chooseReduction(gpu.traits, plane),
    label: `${batch}x${channels}x${plane}`,
  };
}

const statistics = defineKernel({
  name: 'batch_norm_statistics',
  shader: 'batch-norm-statistics.wgsl',
  bindings: {
    input: 'read',
    mean: 'read_write',
    invStd: 'read_write',
    runningMean: 'read_write',
    runningVar: 'read_write',
  },
  uniforms: { batch: 'u32', channels: 'u32', plane: 'u32', eps: 'f32', momentum: 'f32' },
  example: { workgroup: 64, run: 16, subgroup: false },
});

/** mean and invStd [channels] of the batch; moves runningMean and runningVar. More than one element per channel. */
export function batchNormStatistics(
  gpu: Gpu,
  size: Planes,
  { eps, momentum }: { readonly eps: number; readonly momentum: number },
  buffers: Readonly<Record<'input' | 'mean' | 'invStd' | 'runningMean' | 'runningVar', PooledBuffer>>,
): void {
  const { uniforms, ...rest } = reduction(gpu, size);
  launch(gpu, statistics, { ...rest, buffers, uniforms: { ...uniforms, eps, momentum } });
}

const running = defineKernel({
  name: 'batch_norm_running',
  shader: 'batch-norm-running.wgsl',
  bindings: { runningMean: 'read', runningVar: 'read', mean: 'read_write', invStd: 'read_write' },
  uniforms: { channels: 'u32', eps: 'f32' },
});

/** mean and invStd [channels] from the running statistics. */
export function batchNormRunning(
  gpu: Gpu,
  channels: number,
  eps: number,
  buffers: Readonly<Record<'runningMean' | 'runningVar' | 'mean' | 'invStd', PooledBuffer>>,
): void {
  launch(gpu, running, { buffers, uniforms: { channels, eps }, workgroups: linearGrid(channels, 64) });
}

const forward = defineKernel({
  name: 'batch_norm_forward',
  shader: 'batch-norm-forward.wgsl',
  bindings: { input: 'read', mean: 'read', invStd: 'read', weight: 'read', bias: 'read', output: 'read_write' },
  uniforms: { planes: 'u32', channels: 'u32', plane: 'u32' },
  example: { workgroup: 64 },
});

/** output = (input − mean) · invStd · weight + bias. */
export function batchNormForward(
  gpu: Gpu,
  size: Planes,
  buffers: Readonly<Record<'input' | 'mean' | 'invStd' | 'weight' | 'bias' | 'output', PooledBuffer>>,
): void {
  launch(gpu, forward, { ...elementwise(gpu, size), buffers });
}

const backwardSums = defineKernel({
  name: 'batch_norm_backward_sums',
  shader: 'batch-norm-backward-sums.wgsl',
  bindings: {
    input: 'read',
    outputGrad: 'read',
    mean: 'read',
    invStd: 'read',
    weightGrad: 'read_write',
    biasGrad: 'read_write',
  },
  uniforms: { batch: 'u32', channels: 'u32', plane: 'u32' },
  example: { workgroup: 64, run: 16, subgroup: false },
});

/** weightGrad and biasGrad [channels]. */
export function batchNormBackwardSums(
  gpu: Gpu,
  size: Planes,
  buffers: Readonly<Record<'input' | 'outputGrad' | 'mean' | 'invStd' | 'weightGrad' | 'biasGrad', PooledBuffer>>,
): void {
  launch(gpu, backwardSums, { ...reduction(gpu, size), buffers });
}

const backwardInput = defineKernel({
  name: 'batch_norm_backward_input',
  shader: 'batch-norm-backward-input.wgsl',
  bindings: {
    input: 'read',
    outputGrad: 'read',
    mean: 'read',
    invStd: 'read',
    weight: 'read',
    weightGrad: 'read',
    biasGrad: 'read',
    inputGrad: 'read_write',
  },
  uniforms: { planes: 'u32', channels: 'u32', plane: 'u32', count: 'f32' },
  example: { workgroup: 64 },
});

/** inputGrad where the batch's statistics were used; needs the two sums. */
export function batchNormBackwardInput(
  gpu: Gpu,
  size: Planes,
  buffers: Readonly<
    Record<
      'input' | 'outputGrad' | 'mean' | 'invStd' | 'weight' | 'weightGrad' | 'biasGrad' | 'inputGrad',
      PooledBuffer
    >
  >,
): void {
  const { uniforms, ...rest } = elementwise(gpu, size);
  launch(gpu, backwardInput, { ...rest, buffers, uniforms: { ...uniforms, count: size.batch * size.plane } });
}

const backwardInputEval = defineKernel({
  name: 'batch_norm_backward_input_eval',
  shader: 'batch-norm-backward-input-eval.wgsl',
  bindings: { outputGrad: 'read', invStd: 'read', weight: 'read', inputGrad: 'read_write' },
  uniforms: { planes: 'u32', channels: 'u32', plane: 'u32' },
  example: { workgroup: 64 },
});

/** inputGrad where running statistics were used. */
export function batchNormBackwardInputEval(
  gpu: Gpu,
  size: Planes,
  buffers: Readonly<Record<'outputGrad' | 'invStd' | 'weight' | 'inputGrad', PooledBuffer>>,
): void {
  launch(gpu, backwardInputEval, { ...elementwise(gpu, size), buffers });
}
