/** Average pooling over windows of an image, or over windows that share it evenly, and its gradient. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineHalvable } from '../half.ts';
import { defineKernel, launch } from '../kernel.ts';
import { ADAPTIVE_WINDOWS, type BackwardConstants, unrollBackward, unrollForward } from './unrolled-windows.ts';
import {
  chooseBackward,
  chooseForward,
  example,
  type Images,
  imagesRun,
  LOOPING,
  uniforms,
  type Windows,
  windowConstants,
} from './windows.ts';

/** Windows without dilation, and what their sums are divided by. */
export interface MeanWindows extends Omit<Windows, 'dilation'> {
  /** Whether the padding in a window counts as pixels. */
  readonly countPadding: boolean;
  /** Divides every sum, in place of the number of pixels; 0 for that number. */
  readonly divisor: number;
}

const mean = { countPadding: true, divisor: 0, adaptive: false } as const;

const forward = defineHalvable({
  name: 'average_pool_forward',
  shader: 'pooling/average-forward.wgsl',
  derive: unrollForward,
  bindings: { input: 'read', output: 'read_write' },
  uniforms,
  example: { ...example, ...mean },
});

const backward = defineKernel({
  name: 'average_pool_backward',
  shader: 'pooling/average-backward.wgsl',
  derive(k) {
    if (k.loops) return {};
    return k.adaptive ? ADAPTIVE_WINDOWS : unrollBackward(k as BackwardConstants);
  },
  bindings: { outputGrad: 'read', inputGrad: 'read_write' },
  uniforms,
  example: { ...example, ...mean, rows: 2 },
});

/** The windows as constants: of adaptive pooling none, since they follow from the extents. */
const constantsOf = (windows: MeanWindows | undefined) =>
  windows
    ? { ...windowConstants(windows), countPadding: windows.countPadding, divisor: windows.divisor, adaptive: false }
    : { adaptive: true };

/** Writes the means of the windows, or of adaptive windows if none are given. With `half`, both images are f16. */
export function averagePoolForward(
  gpu: Gpu,
  images: Images,
  windows: MeanWindows | undefined,
  input: PooledBuffer,
  output: PooledBuffer,
  half = false,
): void {
  const chosen = windows ? chooseForward({ ...images, ...windows }) : LOOPING;
  const { constants, ...rest } = imagesRun(gpu, images, images.output, chosen);
  launch(gpu, half ? forward.half : forward.single, {
    ...rest,
    buffers: { input, output },
    constants: { ...constantsOf(windows), ...constants, ...chosen, ...(half && { half }) },
  });
}

/** An invocation takes a pixel, and loops only if many windows may cover it. */
export function chooseAdaptiveBackward({ input, output }: Images) {
  return { ...LOOPING, rows: 1, loops: output[0] > input[0] || output[1] > input[1] };
}

/** Writes inputGrad: for each pixel, the sum of its shares of the windows over it. */
export function averagePoolBackward(
  gpu: Gpu,
  images: Images,
  windows: MeanWindows | undefined,
  outputGrad: PooledBuffer,
  inputGrad: PooledBuffer,
): void {
  const chosen = windows ? chooseBackward({ ...images, ...windows }, 1) : chooseAdaptiveBackward(images);
  const { constants, ...rest } = imagesRun(gpu, images, images.input, chosen);
  launch(gpu, backward, {
    ...rest,
    buffers: { outputGrad, inputGrad },
    constants: { ...constantsOf(windows), ...constants, ...chosen },
  });
}
