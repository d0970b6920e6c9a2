/** The fully connected layer by dot products, one or a few invocations each: for few rows or features, and for CPUs. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid, stridingGrid } from '../grid.ts';
import { defineHalvable } from '../half.ts';
import { defineKernel, launch } from '../kernel.ts';
import { describeLinear, type LinearKernels, type LinearSize } from './shape.ts';

const uniforms = { rows: 'u32', inFeatures: 'u32', outFeatures: 'u32' } as const;

const forwardKernel = defineHalvable({
  name: 'linear_forward',
  shader: 'linear/dots-forward.wgsl',
  bindings: { input: 'read', weight: 'read', output: 'read_write' },
  uniforms,
  example: { bias: false },
});

const forwardBiasKernel = defineHalvable({
  name: 'linear_forward_bias',
  shader: 'linear/dots-forward.wgsl',
  bindings: { input: 'read', weight: 'read', bias: 'read', output: 'read_write' },
  uniforms,
  example: { bias: true },
});

const inputGradKernel = defineKernel({
  name: 'linear_backward_input',
  shader: 'linear/dots-input-grad.wgsl',
  bindings: { outputGrad: 'read', weight: 'read', inputGrad: 'read_write' },
  uniforms,
});

const weightGradKernel = defineKernel({
  name: 'linear_backward_weight',
  shader: 'linear/dots-weight-grad.wgsl',
  bindings: { input: 'read', outputGrad: 'read', weightGrad: 'read_write' },
  uniforms,
});

function forward(
  gpu: Gpu,
  size: LinearSize,
  input: PooledBuffer,
  weight: PooledBuffer,
  bias: PooledBuffer | undefined,
  output: PooledBuffer,
): void {
  const { rows, outFeatures, half } = size;
  const storage = half ? 'half' : 'single';
  const rest = {
    constants: { bias: bias !== undefined, ...(half && { half }) },
    uniforms: size,
    workgroups: linearGrid(rows * outFeatures, 8),
    label: describeLinear(size),
  };
  if (bias) launch(gpu, forwardBiasKernel[storage], { ...rest, buffers: { input, weight, bias, output } });
  else launch(gpu, forwardKernel[storage], { ...rest, buffers: { input, weight, output } });
}

function inputGrad(
  gpu: Gpu,
  size: LinearSize,
  outputGrad: PooledBuffer,
  weight: PooledBuffer,
  target: PooledBuffer,
): void {
  launch(gpu, inputGradKernel, {
    buffers: { outputGrad, weight, inputGrad: target },
    uniforms: size,
    workgroups: [stridingGrid(size.inFeatures, 64), stridingGrid(size.rows), 1],
    label: describeLinear(size),
  });
}

function weightGrad(
  gpu: Gpu,
  size: LinearSize,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  target: PooledBuffer,
): void {
  launch(gpu, weightGradKernel, {
    buffers: { input, outputGrad, weightGrad: target },
    uniforms: size,
    workgroups: [stridingGrid(size.inFeatures, 64), stridingGrid(size.outFeatures), 1],
    label: describeLinear(size),
  });
}

export const dots: LinearKernels = { forward, inputGrad, weightGrad };
