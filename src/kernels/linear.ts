/** The fully connected layer: output = input · weightᵀ + bias, and its three gradients. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { linearGrid, stridingGrid } from './grid.ts';
import { defineHalvable } from './half.ts';
import { defineKernel, launch } from './kernel.ts';

/** input [rows, inFeatures], weight [outFeatures, inFeatures], output [rows, outFeatures]. */
export interface LinearSize {
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

const uniforms = { rows: 'u32', inFeatures: 'u32', outFeatures: 'u32' } as const;

const labelOf = ({ rows, inFeatures, outFeatures }: LinearSize) => `${rows}x${inFeatures}x${outFeatures}`;

const forward = defineHalvable({
  name: 'linear_forward',
  shader: 'linear-forward.wgsl',
  bindings: { input: 'read', weight: 'read', output: 'read_write' },
  uniforms,
  example: { bias: false },
});

const forwardBias = defineHalvable({
  name: 'linear_forward_bias',
  shader: 'linear-forward.wgsl',
  bindings: { input: 'read', weight: 'read', bias: 'read', output: 'read_write' },
  uniforms,
  example: { bias: true },
});

/** output = input · weightᵀ, plus bias [outFeatures] where it is given. With `half` input and weight are f16. */
export function linearForward(
  gpu: Gpu,
  size: LinearSize,
  input: PooledBuffer,
  weight: PooledBuffer,
  bias: PooledBuffer | undefined,
  output: PooledBuffer,
  half = false,
): void {
  const storage = half ? 'half' : 'single';
  const constants = { bias: bias !== undefined, ...(half && { half }) };
  const rest = {
    constants,
    uniforms: { ...size },
    workgroups: linearGrid(size.rows * size.outFeatures, 8),
    label: labelOf(size),
  };
  if (bias) {
    launch(gpu, forwardBias[storage], { ...rest, buffers: { input, weight, bias, output } });
  } else {
    launch(gpu, forward[storage], { ...rest, buffers: { input, weight, output } });
  }
}

const backwardInput = defineKernel({
  name: 'linear_backward_input',
  shader: 'linear-backward-input.wgsl',
  bindings: { outputGrad: 'read', weight: 'read', inputGrad: 'read_write' },
  uniforms,
});

/** inputGrad [rows, inFeatures] = outputGrad · weight. */
export function linearBackwardInput(
  gpu: Gpu,
  size: LinearSize,
  outputGrad: PooledBuffer,
  weight: PooledBuffer,
  inputGrad: PooledBuffer,
): void {
  launch(gpu, backwardInput, {
    buffers: { outputGrad, weight, inputGrad },
    uniforms: { ...size },
    workgroups: [stridingGrid(size.inFeatures, 64), stridingGrid(size.rows), 1],
    label: labelOf(size),
  });
}

const backwardWeight = defineKernel({
  name: 'linear_backward_weight',
  shader: 'linear-backward-weight.wgsl',
  bindings: { input: 'read', outputGrad: 'read', weightGrad: 'read_write' },
  uniforms,
});

/** weightGrad [outFeatures, inFeatures] = outputGradᵀ · input. */
export function linearBackwardWeight(
  gpu: Gpu,
  size: LinearSize,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  weightGrad: PooledBuffer,
): void {
  launch(gpu, backwardWeight, {
    buffers: { input, outputGrad, weightGrad },
    uniforms: { ...size },
    workgroups: [stridingGrid(size.inFeatures, 64), stridingGrid(size.outFeatures), 1],
    label: labelOf(size),
  });
}

const backwardBias = defineKernel({
  name: 'linear_backward_bias',
  shader: 'linear-backward-bias.wgsl',
  bindings: { outputGrad: 'read', biasGrad: 'read_write' },
  uniforms: { rows: 'u32', outFeatures: 'u32' },
});

/** biasGrad [outFeatures] = outputGrad summed over the rows. */
export function linearBackwardBias(
  gpu: Gpu,
  { rows, outFeatures }: LinearSize,
  outputGrad: PooledBuffer,
  biasGrad: PooledBuffer,
): void {
  launch(gpu, backwardBias, {
    buffers: { outputGrad, biasGrad },
    uniforms: { rows, outFeatures },
    workgroups: [stridingGrid(outFeatures, 64), 1, 1],
  });
}
