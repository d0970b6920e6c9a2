/** Max pooling over windows of an image, and its gradient. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineHalvable } from '../half.ts';
import { defineKernel, launch } from '../kernel.ts';
import { unrollBackward, unrollForward } from './unrolled-windows.ts';
import {
  chooseBackward,
  chooseForward,
  example,
  imagesRun,
  type Pooling,
  uniforms,
  windowConstants,
} from './windows.ts';

const forwardExample = { ...example, dilationHeight: 1, dilationWidth: 1 };

const forward = defineHalvable({
  name: 'max_pool_forward',
  shader: 'pooling/max-pool-forward.wgsl',
  derive: unrollForward,
  bindings: { input: 'read', output: 'read_write' },
  uniforms,
  example: { ...forwardExample, argmax: false },
});

const forwardArgmax = defineKernel({
  name: 'max_pool_forward_argmax',
  shader: 'pooling/max-pool-forward.wgsl',
  derive: unrollForward,
  bindings: { input: 'read', output: 'read_write', argmax: 'read_write' },
  uniforms,
  example: { ...forwardExample, argmax: true },
});

/**
 * Writes the maxima of the windows and, if `argmax` is given, their positions in the input's planes (u32). With `half`
 * and without `argmax`, input and output are f16.
 */
export function maxPoolForward(
  gpu: Gpu,
  pooling: Pooling,
  input: PooledBuffer,
  output: PooledBuffer,
  { argmax, half = false }: { readonly argmax?: PooledBuffer; readonly half?: boolean } = {},
): void {
  const chosen = chooseForward(pooling);
  const { constants: lanes, ...rest } = imagesRun(gpu, pooling, pooling.output, chosen);
  const [dilationHeight, dilationWidth] = pooling.dilation ?? [1, 1];
  const constants = { ...windowConstants(pooling), dilationHeight, dilationWidth, ...lanes, ...chosen };
  if (argmax) {
    launch(gpu, forwardArgmax, {
      ...rest,
      buffers: { input, output, argmax },
      constants: { ...constants, argmax: true },
    });
  } else {
    const [kernel, storage] = half ? [forward.half, { half }] : [forward.single, {}];
    launch(gpu, kernel, {
      ...rest,
      buffers: { input, output },
      constants: { ...constants, argmax: false, ...storage },
    });
  }
}

const backward = defineKernel({
  name: 'max_pool_backward',
  shader: 'pooling/max-pool-backward.wgsl',
  derive: unrollBackward,
  bindings: { argmax: 'read', outputGrad: 'read', inputGrad: 'read_write' },
  uniforms,
  example: { ...example, rows: 2 },
});

/** Writes inputGrad: for each pixel, the sum of the gradients of the windows whose maximum it was. */
export function maxPoolBackward(
  gpu: Gpu,
  pooling: Pooling,
  argmax: PooledBuffer,
  outputGrad: PooledBuffer,
  inputGrad: PooledBuffer,
): void {
  // Also the gaps between taps count as window: their positions are those of no maximum.
  const { kernel, dilation = [1, 1] } = pooling;
  const reach = (axis: 0 | 1) => (kernel[axis] - 1) * dilation[axis] + 1;
  const windows = { ...pooling, kernel: [reach(0), reach(1)] as const };
  const chosen = chooseBackward(windows);
  const { constants, ...rest } = imagesRun(gpu, pooling, pooling.input, chosen);
  launch(gpu, backward, {
    ...rest,
    buffers: { argmax, outputGrad, inputGrad },
    constants: { ...windowConstants(windows), ...constants, ...chosen },
  });
}
