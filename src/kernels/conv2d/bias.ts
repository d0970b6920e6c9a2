/** One bias per channel of an NCHW tensor: added in forward, its gradient summed in backward. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { defineHalvable } from '../half.ts';
import { defineKernel, launch } from '../kernel.ts';

const addKernel = defineHalvable({
  name: 'channel_bias',
  shader: 'conv2d/bias.wgsl',
  bindings: { bias: 'read', output: 'read_write' },
  uniforms: { channels: 'u32', planeSize: 'u32', planes: 'u32' },
});

const gradKernel = defineKernel({
  name: 'channel_bias_grad',
  shader: 'conv2d/bias-grad.wgsl',
  bindings: { outputGrad: 'read', biasGrad: 'read_write' },
  uniforms: { batch: 'u32', channels: 'u32', planeSize: 'u32' },
});

export interface ChannelShape {
  readonly batch: number;
  readonly channels: number;
  /** Height times width. */
  readonly planeSize: number;
}

/** output[n, c, i] += bias[c]; with `half`, output is f16. */
export function addChannelBias(
  gpu: Gpu,
  s: ChannelShape,
  bias: PooledBuffer,
  output: PooledBuffer,
  half = false,
): void {
  const planes = s.batch * s.channels;
  const [y, z] = linearGrid(planes, 1);
  launch(gpu, half ? addKernel.half : addKernel.single, {
    buffers: { bias, output },
    uniforms: { channels: s.channels, planeSize: s.planeSize, planes },
    workgroups: [Math.ceil(s.planeSize / 512), y, z],
    ...(half && { constants: { half } }),
  });
}

/** biasGrad[c] = Σ outputGrad[n, c, i]. */
export function channelBiasGrad(gpu: Gpu, s: ChannelShape, outputGrad: PooledBuffer, biasGrad: PooledBuffer): void {
  launch(gpu, gradKernel, {
    buffers: { outputGrad, biasGrad },
    uniforms: { batch: s.batch, channels: s.channels, planeSize: s.planeSize },
    workgroups: linearGrid(s.channels, 1),
  });
}
