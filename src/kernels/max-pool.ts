/** Max pooling over windows of an image, and its gradient. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { stridingGrid } from './grid.ts';
import { type Constants, defineKernel, launch } from './kernel.ts';

/** Pairs are [height, width]. `planes` is batch · channels. */
export interface Pooling {
  readonly planes: number;
  readonly input: readonly [number, number];
  readonly output: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  /** At most half the kernel. */
  readonly padding: readonly [number, number];
}

const example = {
  kernelHeight: 3,
  kernelWidth: 3,
  strideHeight: 2,
  strideWidth: 2,
  paddingHeight: 1,
  paddingWidth: 1,
} satisfies Constants;

const uniforms = { planes: 'u32', height: 'u32', width: 'u32', outHeight: 'u32', outWidth: 'u32' } as const;

/** Launch parameters; the tiles of 8 × 32 pixels cover `over`, the images that invocations stand for. */
function parameters({ planes, input, output, kernel, stride, padding }: Pooling, over: readonly [number, number]) {
  return {
    uniforms: { planes, height: input[0], width: input[1], outHeight: output[0], outWidth: output[1] },
    workgroups: [Math.ceil(over[1] / 8), Math.ceil(over[0] / 32), stridingGrid(planes)] as const,
    label: `${planes}x${input[0]}x${input[1]}`,
    constants: {
      kernelHeight: kernel[0],
      kernelWidth: kernel[1],
      strideHeight: stride[0],
      strideWidth: stride[1],
      paddingHeight: padding[0],
      paddingWidth: padding[1],
    },
  };
}

const forward = defineKernel({
  name: 'max_pool_forward',
  shader: 'max-pool-forward.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms,
  example: { ...example, argmax: false },
});

const forwardArgmax = defineKernel({
  name: 'max_pool_forward_argmax',
  shader: 'max-pool-forward.wgsl',
  bindings: { input: 'read', output: 'read_write', argmax: 'read_write' },
  uniforms,
  example: { ...example, argmax: true },
});

/** Maxima of the windows and, where `argmax` is given, their places in the input's planes (u32). */
export function maxPoolForward(
  gpu: Gpu,
  pooling: Pooling,
  input: PooledBuffer,
  output: PooledBuffer,
  argmax?: PooledBuffer,
): void {
  const { constants, ...rest } = parameters(pooling, pooling.output);
  if (argmax) {
    const buffers = { input, output, argmax };
    launch(gpu, forwardArgmax, { ...rest, buffers, constants: { ...constants, argmax: true } });
  } else {
    launch(gpu, forward, { ...rest, buffers: { input, output }, constants: { ...constants, argmax: false } });
  }
}

const backward = defineKernel({
  name: 'max_pool_backward',
  shader: 'max-pool-backward.wgsl',
  bindings: { argmax: 'read', outputGrad: 'read', inputGrad: 'read_write' },
  uniforms,
  example,
});

/** inputGrad: each pixel's sum over the windows whose maximum it was. */
export function maxPoolBackward(
  gpu: Gpu,
  pooling: Pooling,
  argmax: PooledBuffer,
  outputGrad: PooledBuffer,
  inputGrad: PooledBuffer,
): void {
  launch(gpu, backward, { ...parameters(pooling, pooling.input), buffers: { argmax, outputGrad, inputGrad } });
}
