/** Bias gradient of a fully connected layer. It needs no product, so all variants share it. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { stridingGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';
import type { LinearSize } from './shape.ts';

const kernel = defineKernel({
  name: 'linear_backward_bias',
  shader: 'linear/bias-grad.wgsl',
  bindings: { outputGrad: 'read', biasGrad: 'read_write' },
  uniforms: { rows: 'u32', outFeatures: 'u32' },
});

/** biasGrad [outFeatures] = outputGrad summed over the rows. */
export function linearBiasGrad(
  gpu: Gpu,
  { rows, outFeatures }: LinearSize,
  outputGrad: PooledBuffer,
  biasGrad: PooledBuffer,
): void {
  launch(gpu, kernel, {
    buffers: { outputGrad, biasGrad },
    uniforms: { rows, outFeatures },
    workgroups: [stridingGrid(outFeatures, 64), 1, 1],
  });
}
