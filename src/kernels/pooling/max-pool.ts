/** Max pooling over windows of an image, and its gradient. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { stridingGrid } from '../grid.ts';
import { defineHalvable } from '../half.ts';
import { type Constants, defineKernel, launch } from '../kernel.ts';
import { vectorOf } from '../vector-of.ts';
import { unrollBackward } from './max-pool-windows.ts';

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

/** Outputs per invocation of forward with unrolled taps; minimum pixels along x per invocation of backward. */
const RUN = 4;
const RUN_BACK = 8;
/** Maximum unrolled loads or results of an invocation. Beyond it shaders loop, because compiling would take seconds. */
const MOST_UNROLLED = 80;
/** Planes per workgroup on a CPU adapter, where starting a workgroup costs as much as fifty loads. */
const PLANES_PER_GROUP = 16;

/**
 * Returns the outputs of a row per invocation of forward, and the values per load and store. With `loops`, an
 * invocation computes one output in a loop over its taps.
 */
export function chooseForward({ kernel, stride, padding, input, output }: Omit<Pooling, 'planes'>) {
  const columns = (RUN - 1) * stride[1] + kernel[1];
  if (kernel[0] * columns > MOST_UNROLLED) return { columns: 1, loops: true, inVector: 1, outVector: 1 };
  // The windows skip no column and read none beyond the image.
  const whole = kernel[1] >= stride[1] && (output[1] - 1) * stride[1] + kernel[1] - padding[1] <= input[1];
  const inVector = whole ? vectorOf(input[1], RUN * stride[1], columns - padding[1]) : 1;
  return { columns: RUN, loops: false, inVector, outVector: vectorOf(output[1], RUN) };
}

/**
 * Returns the tile of pixels per invocation of backward, and the values per load and store. With `loops`, an invocation
 * computes one pixel in a loop over its windows.
 */
export function chooseBackward({ kernel, stride, input, output }: Omit<Pooling, 'planes'>) {
  const rows = stride[0];
  const columns = stride[1] * Math.ceil(RUN_BACK / stride[1]);
  // On each axis, the windows that touch the tile begin in it or at most a kernel before it.
  const touching = (extent: number, axis: 0 | 1) => Math.ceil((extent + kernel[axis] - 1) / stride[axis]);
  const loads = 2 * touching(rows, 0) * touching(columns, 1);
  const loops = Math.max(loads, rows * columns) > MOST_UNROLLED;
  if (loops) return { rows: 1, columns: 1, loops, inVector: 1, outVector: 1 };
  return {
    rows,
    columns,
    loops,
    inVector: vectorOf(output[1], columns / stride[1]),
    outVector: vectorOf(input[1], columns),
  };
}

const example = {
  kernelHeight: 3,
  kernelWidth: 3,
  strideHeight: 2,
  strideWidth: 2,
  paddingHeight: 1,
  paddingWidth: 1,
  columns: 4,
  loops: false,
  inVector: 4,
  outVector: 4,
  lanesX: 2,
  lanesY: 4,
} satisfies Constants;

const uniforms = { planes: 'u32', height: 'u32', width: 'u32', outHeight: 'u32', outWidth: 'u32' } as const;

/** Launch parameters where an invocation takes `rows` x `columns` elements of the images `over`. */
function parameters(
  gpu: Gpu,
  { planes, input, output, kernel, stride, padding }: Pooling,
  over: readonly [number, number],
  { rows, columns }: { readonly rows: number; readonly columns: number },
) {
  const cpu = gpu.traits.kind === 'cpu';
  const runs = Math.ceil(over[1] / columns);
  // On a CPU adapter a vector takes elements that are adjacent in memory: as much of a row as there is.
  const lanesX = cpu ? ([8, 4, 2].find((lanes) => lanes <= runs) ?? 1) : 16;
  const lanesY = cpu ? 8 / lanesX : 4;
  return {
    uniforms: { planes, height: input[0], width: input[1], outHeight: output[0], outWidth: output[1] },
    workgroups: [
      Math.ceil(over[1] / (columns * lanesX)),
      Math.ceil(over[0] / (rows * lanesY)),
      stridingGrid(planes, cpu ? PLANES_PER_GROUP : 1),
    ] as const,
    label: `${planes}x${input[0]}x${input[1]}`,
    constants: {
      kernelHeight: kernel[0],
      kernelWidth: kernel[1],
      strideHeight: stride[0],
      strideWidth: stride[1],
      paddingHeight: padding[0],
      paddingWidth: padding[1],
      lanesX,
      lanesY,
    },
  };
}

const forward = defineHalvable({
  name: 'max_pool_forward',
  shader: 'pooling/max-pool-forward.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms,
  example: { ...example, argmax: false },
});

const forwardArgmax = defineKernel({
  name: 'max_pool_forward_argmax',
  shader: 'pooling/max-pool-forward.wgsl',
  bindings: { input: 'read', output: 'read_write', argmax: 'read_write' },
  uniforms,
  example: { ...example, argmax: true },
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
  const { constants, ...rest } = parameters(gpu, pooling, pooling.output, { rows: 1, columns: chosen.columns });
  const withPlaces = (places: boolean) => ({ ...constants, ...chosen, argmax: places });
  if (argmax) {
    launch(gpu, forwardArgmax, { ...rest, buffers: { input, output, argmax }, constants: withPlaces(true) });
  } else {
    const [kernel, storage] = half ? [forward.half, { half }] : [forward.single, {}];
    launch(gpu, kernel, { ...rest, buffers: { input, output }, constants: { ...withPlaces(false), ...storage } });
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
  const chosen = chooseBackward(pooling);
  const { constants, ...rest } = parameters(gpu, pooling, pooling.input, chosen);
  launch(gpu, backward, {
    ...rest,
    buffers: { argmax, outputGrad, inputGrad },
    constants: { ...constants, ...chosen },
  });
}
