/**
 * Batch normalisation: batch or running statistics, normalising, and both halves of backward. The same passes can add a
 * residual and apply ReLU, which often follow.
 */
import type { AdapterTraits, Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid, stridingGrid } from '../grid.ts';
import { defineHalvable } from '../half.ts';
import { defineKernel, launch } from '../kernel.ts';

/** Extents of a tensor [batch, channels, plane]; plane = height · width. */
export interface Planes {
  readonly batch: number;
  readonly channels: number;
  readonly plane: number;
}

type Buffers<Name extends string> = Readonly<Record<Name, PooledBuffer>>;

/**
 * Chooses how kernels reduce planes of this size: invocations per workgroup, Values that an invocation sums in a run,
 * and invocations per subgroup that add by shuffles (0: none). On a CPU adapter the workgroup is one vector of lanes,
 * because a barrier between vectors costs more than summing a small plane.
 */
export function chooseReduction(traits: Pick<AdapterTraits, 'kind' | 'subgroupSize'>, plane: number) {
  // Without subgroups of a fixed size, a tree in workgroup memory replaces the shuffles.
  const subgroup = traits.subgroupSize > 1 ? traits.subgroupSize : 0;
  if (traits.kind === 'cpu') return { workgroup: subgroup || 8, run: 8, subgroup };
  const workgroup = plane < 1024 ? 64 : 256;
  return { workgroup, run: 8, subgroup: workgroup % (subgroup || 1) === 0 ? subgroup : 0 };
}

/** Reads planes four values at a time if their size is a multiple of 4, at half the cost on a CPU adapter. */
function values({ batch, channels, plane }: Planes) {
  const vector = plane % 4 === 0;
  return {
    uniforms: { batch, channels, plane: vector ? plane / 4 : plane },
    label: `${batch}x${channels}x${plane}`,
    vector,
  };
}

/** Values of a plane per workgroup: 16 per invocation, or 128, because starting a workgroup costs as much as 50. */
const GROUP = 1024;

/** Workgroups along channels. On a CPU adapter each takes several small channels, for the same reason. */
function channelGroups(gpu: Gpu, { batch, channels, plane }: Planes): number {
  return stridingGrid(channels, gpu.traits.kind === 'cpu' ? Math.ceil(GROUP / (batch * plane)) : 1);
}

function elementwise(gpu: Gpu, size: Planes) {
  const { uniforms, label, vector } = values(size);
  const cpu = gpu.traits.kind === 'cpu';
  const part = GROUP;
  return {
    uniforms: { ...uniforms, part },
    workgroups: [
      stridingGrid(uniforms.plane, part),
      channelGroups(gpu, uniforms),
      cpu ? 1 : stridingGrid(size.batch),
    ] as const,
    constants: { workgroup: cpu ? 8 : 64, vector },
    label,
  };
}

function reduction(gpu: Gpu, size: Planes) {
  const { uniforms, label, vector } = values(size);
  return {
    uniforms: { ...uniforms, zero: 0 },
    workgroups: [channelGroups(gpu, uniforms), 1, 1] as const,
    constants: { ...chooseReduction(gpu.traits, uniforms.plane), vector },
    label,
  };
}

const extents = { batch: 'u32', channels: 'u32', plane: 'u32' } as const;
/** `zero` is 0: see parts/compensated.wgsl. */
const reductionExtents = { ...extents, zero: 'u32' } as const;
const elementwiseExample = { workgroup: 64, vector: true, relu: false, residual: false };
const reductionExample = { workgroup: 64, run: 8, subgroup: 0, vector: true, relu: false, residual: false };

const statisticsKernel = defineKernel({
  name: 'batch_norm_statistics',
  shader: 'batch-norm/statistics.wgsl',
  bindings: { input: 'read', statistics: 'read_write', runningMean: 'read_write', runningVar: 'read_write' },
  uniforms: { ...reductionExtents, eps: 'f32', momentum: 'f32' },
  example: { workgroup: 64, run: 8, subgroup: 0, vector: true },
});

/**
 * Computes the statistics of the batch [3, channels]: mean, 1 / deviation, rounding error of the mean. Updates
 * runningMean and runningVar. Each channel must have more than one element.
 */
export function batchNormStatistics(
  gpu: Gpu,
  size: Planes,
  { eps, momentum }: { readonly eps: number; readonly momentum: number },
  buffers: Buffers<'input' | 'statistics' | 'runningMean' | 'runningVar'>,
): void {
  const { uniforms, ...rest } = reduction(gpu, size);
  launch(gpu, statisticsKernel, { ...rest, buffers, uniforms: { ...uniforms, eps, momentum } });
}

const running = defineKernel({
  name: 'batch_norm_running',
  shader: 'batch-norm/running.wgsl',
  bindings: { runningMean: 'read', runningVar: 'read', statistics: 'read_write' },
  uniforms: { channels: 'u32', eps: 'f32' },
});

/** Computes the same statistics from the running ones. */
export function batchNormRunning(
  gpu: Gpu,
  channels: number,
  eps: number,
  buffers: Buffers<'runningMean' | 'runningVar' | 'statistics'>,
): void {
  launch(gpu, running, { buffers, uniforms: { channels, eps }, workgroups: linearGrid(channels, 64) });
}

const forward = defineHalvable({
  name: 'batch_norm_forward',
  shader: 'batch-norm/forward.wgsl',
  bindings: { input: 'read', statistics: 'read', weight: 'read', bias: 'read', output: 'read_write' },
  uniforms: { ...extents, part: 'u32' },
  example: elementwiseExample,
});

const forwardResidual = defineHalvable({
  name: 'batch_norm_forward_residual',
  shader: 'batch-norm/forward.wgsl',
  bindings: {
    input: 'read',
    statistics: 'read',
    weight: 'read',
    bias: 'read',
    residual: 'read',
    output: 'read_write',
  },
  uniforms: { ...extents, part: 'u32' },
  example: { ...elementwiseExample, residual: true },
});

/**
 * output = (input − mean) · invStd · weight + bias, plus the residual if one is given. `relu` then applies ReLU. With
 * `half`, input, residual and output are f16.
 */
export function batchNormForward(
  gpu: Gpu,
  size: Planes,
  { relu, half }: { readonly relu: boolean; readonly half: boolean },
  buffers: Buffers<'input' | 'statistics' | 'weight' | 'bias' | 'output'>,
  residual?: PooledBuffer,
): void {
  const { constants: common, ...rest } = elementwise(gpu, size);
  const constants = { ...common, relu, residual: residual !== undefined, ...(half && { half }) };
  const storage = half ? 'half' : 'single';
  if (residual) {
    launch(gpu, forwardResidual[storage], { ...rest, buffers: { ...buffers, residual }, constants });
  } else {
    launch(gpu, forward[storage], { ...rest, buffers, constants });
  }
}

const sumsBindings = {
  input: 'read',
  outputGrad: 'read',
  statistics: 'read',
  weightGrad: 'read_write',
  biasGrad: 'read_write',
} as const;

const backwardSums = defineKernel({
  name: 'batch_norm_backward_sums',
  shader: 'batch-norm/backward-sums.wgsl',
  bindings: sumsBindings,
  uniforms: reductionExtents,
  example: reductionExample,
});

const backwardSumsRelu = defineKernel({
  name: 'batch_norm_backward_sums_relu',
  shader: 'batch-norm/backward-sums.wgsl',
  bindings: { ...sumsBindings, weight: 'read', bias: 'read' },
  uniforms: reductionExtents,
  example: { ...reductionExample, relu: true },
});

const backwardSumsResidual = defineKernel({
  name: 'batch_norm_backward_sums_residual',
  shader: 'batch-norm/backward-sums.wgsl',
  bindings: { ...sumsBindings, output: 'read', passed: 'read_write' },
  uniforms: reductionExtents,
  example: { ...reductionExample, residual: true },
});

type SumsBuffers = Buffers<keyof typeof sumsBindings>;

/** Computes weightGrad and biasGrad [channels] without a residual or ReLU after the batch norm. */
export function batchNormBackwardSums(gpu: Gpu, size: Planes, buffers: SumsBuffers): void {
  const { constants, ...rest } = reduction(gpu, size);
  launch(gpu, backwardSums, { ...rest, buffers, constants: { ...constants, relu: false, residual: false } });
}

/** Computes weightGrad and biasGrad if ReLU followed. */
export function batchNormBackwardSumsRelu(
  gpu: Gpu,
  size: Planes,
  buffers: SumsBuffers & Buffers<'weight' | 'bias'>,
): void {
  const { constants, ...rest } = reduction(gpu, size);
  launch(gpu, backwardSumsRelu, { ...rest, buffers, constants: { ...constants, relu: true, residual: false } });
}

/** Computes weightGrad and biasGrad if a residual and ReLU followed; `passed` gets the gradient that passes ReLU. */
export function batchNormBackwardSumsResidual(
  gpu: Gpu,
  size: Planes,
  buffers: SumsBuffers & Buffers<'output' | 'passed'>,
): void {
  const { constants, ...rest } = reduction(gpu, size);
  launch(gpu, backwardSumsResidual, { ...rest, buffers, constants: { ...constants, relu: false, residual: true } });
}

const inputBindings = {
  input: 'read',
  outputGrad: 'read',
  statistics: 'read',
  weight: 'read',
  weightGrad: 'read',
  biasGrad: 'read',
  inputGrad: 'read_write',
} as const;

const backwardInput = defineKernel({
  name: 'batch_norm_backward_input',
  shader: 'batch-norm/backward-input.wgsl',
  bindings: inputBindings,
  uniforms: { ...extents, part: 'u32', count: 'f32' },
  example: elementwiseExample,
});

const backwardInputRelu = defineKernel({
  name: 'batch_norm_backward_input_relu',
  shader: 'batch-norm/backward-input.wgsl',
  bindings: { ...inputBindings, bias: 'read' },
  uniforms: { ...extents, part: 'u32', count: 'f32' },
  example: { ...elementwiseExample, relu: true },
});

/** Computes inputGrad for batch statistics, from weightGrad and biasGrad. Pass `bias` if ReLU followed. */
export function batchNormBackwardInput(
  gpu: Gpu,
  size: Planes,
  buffers: Buffers<keyof typeof inputBindings>,
  bias?: PooledBuffer,
): void {
  const { uniforms, constants, ...rest } = elementwise(gpu, size);
  const run = { ...rest, uniforms: { ...uniforms, count: size.batch * size.plane } };
  if (bias) {
    launch(gpu, backwardInputRelu, { ...run, buffers: { ...buffers, bias }, constants: { ...constants, relu: true } });
  } else {
    launch(gpu, backwardInput, { ...run, buffers, constants: { ...constants, relu: false } });
  }
}

const backwardInputEval = defineKernel({
  name: 'batch_norm_backward_input_eval',
  shader: 'batch-norm/backward-input-eval.wgsl',
  bindings: { outputGrad: 'read', statistics: 'read', weight: 'read', inputGrad: 'read_write' },
  uniforms: { ...extents, part: 'u32' },
  example: { workgroup: 64, vector: true },
});

/** Computes inputGrad for running statistics. */
export function batchNormBackwardInputEval(
  gpu: Gpu,
  size: Planes,
  buffers: Buffers<'outputGrad' | 'statistics' | 'weight' | 'inputGrad'>,
): void {
  launch(gpu, backwardInputEval, { ...elementwise(gpu, size), buffers });
}
