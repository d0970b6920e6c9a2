/** Global average pooling: the mean of each plane, and its gradient. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid, stridingGrid } from '../grid.ts';
import { defineHalvable } from '../half.ts';
import { defineKernel, launch } from '../kernel.ts';

const forward = defineHalvable({
  name: 'avg_pool_forward',
  shader: 'pooling/global-avg-pool-forward.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { planes: 'u32', plane: 'u32' },
});

/** output [planes] = mean of input [planes, plane] over each plane, NaN if it is empty; both f16 with `half`. */
export function avgPoolForward(
  gpu: Gpu,
  planes: number,
  plane: number,
  input: PooledBuffer,
  output: PooledBuffer,
  half = false,
): void {
  launch(gpu, half ? forward.half : forward.single, {
    buffers: { input, output },
    uniforms: { planes, plane },
    workgroups: linearGrid(planes, 64),
    ...(half && { constants: { half } }),
  });
}

const backward = defineKernel({
  name: 'avg_pool_backward',
  shader: 'pooling/global-avg-pool-backward.wgsl',
  bindings: { outputGrad: 'read', inputGrad: 'read_write' },
  uniforms: { planes: 'u32', plane: 'u32' },
});

/** Rows of workgroups on a CPU adapter, where starting a workgroup costs as much as a small plane. */
const CPU_GROUPS = 128;

/** inputGrad [planes, plane] = outputGrad [planes] / plane. */
export function avgPoolBackward(
  gpu: Gpu,
  planes: number,
  plane: number,
  outputGrad: PooledBuffer,
  inputGrad: PooledBuffer,
): void {
  const rows = stridingGrid(planes);
  launch(gpu, backward, {
    buffers: { outputGrad, inputGrad },
    uniforms: { planes, plane },
    workgroups: [stridingGrid(plane, 512), gpu.traits.kind === 'cpu' ? Math.min(rows, CPU_GROUPS) : rows, 1],
  });
}
