/** Windows over images, for max and average pooling: how much an invocation takes, and the grids. */
import type { Gpu } from '../../gpu/gpu.ts';
import { stridingGrid } from '../grid.ts';
import type { Constants } from '../kernel.ts';
import { vectorOf } from '../vector-of.ts';

/** Images in and out. Pairs are [height, width]. `planes` is batch · channels. */
export interface Images {
  readonly planes: number;
  readonly input: readonly [number, number];
  readonly output: readonly [number, number];
}

/** The windows of a pool. */
export interface Windows {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  /** At most half the kernel. */
  readonly padding: readonly [number, number];
  /** Pixels from one tap to the next; [1, 1] if missing. */
  readonly dilation?: readonly [number, number];
}

export type Pooling = Images & Windows;

/** Outputs per invocation of forward with unrolled taps; minimum pixels along x per invocation of backward. */
const RUN = 4;
const RUN_BACK = 8;
/** Maximum unrolled loads or results of an invocation. Beyond it shaders loop, because compiling would take seconds. */
const MOST_UNROLLED = 80;
/** Planes per workgroup on a CPU adapter, where starting a workgroup costs as much as fifty loads. */
const PLANES_PER_GROUP = 16;

/** The share of an invocation that loops over the taps of one output, or over the windows of one pixel. */
export const LOOPING = { columns: 1, loops: true, inVector: 1, outVector: 1 } as const;

/**
 * Returns the outputs of a row per invocation of forward, and the values per load and store. With `loops`, an
 * invocation computes one output in a loop over its taps.
 */
export function chooseForward({ kernel, stride, padding, dilation, input, output }: Omit<Pooling, 'planes'>) {
  const columns = (RUN - 1) * stride[1] + kernel[1];
  const gaps = dilation?.some((step) => step > 1);
  if (gaps || kernel[0] * columns > MOST_UNROLLED) return LOOPING;
  // The windows skip no column and read none beyond the image.
  const whole = kernel[1] >= stride[1] && (output[1] - 1) * stride[1] + kernel[1] - padding[1] <= input[1];
  const inVector = whole ? vectorOf(input[1], RUN * stride[1], columns - padding[1]) : 1;
  return { columns: RUN, loops: false, inVector, outVector: vectorOf(output[1], RUN) };
}

/**
 * Returns the tile of pixels per invocation of backward, and the values per load and store. With `loops`, an invocation
 * computes one pixel in a loop over its windows.
 * @param tensors how many of the output's size it loads: the gradient, and the positions of maxima
 */
export function chooseBackward({ kernel, stride, input, output }: Omit<Pooling, 'planes'>, tensors = 2) {
  const rows = stride[0];
  const columns = stride[1] * Math.ceil(RUN_BACK / stride[1]);
  // On each axis, the windows that touch the tile begin in it or at most a kernel before it.
  const touching = (extent: number, axis: 0 | 1) => Math.ceil((extent + kernel[axis] - 1) / stride[axis]);
  const loads = tensors * touching(rows, 0) * touching(columns, 1);
  if (Math.max(loads, rows * columns) > MOST_UNROLLED) return { rows: 1, ...LOOPING };
  return {
    rows,
    columns,
    loops: false,
    inVector: vectorOf(output[1], columns / stride[1]),
    outVector: vectorOf(input[1], columns),
  };
}

/** The constants of shaders that stand for the windows. */
export function windowConstants({ kernel, stride, padding }: Windows) {
  return {
    kernelHeight: kernel[0],
    kernelWidth: kernel[1],
    strideHeight: stride[0],
    strideWidth: stride[1],
    paddingHeight: padding[0],
    paddingWidth: padding[1],
  };
}

/** Constants with which tests render the shaders. */
export const example = {
  ...windowConstants({ kernel: [3, 3], stride: [2, 2], padding: [1, 1] }),
  columns: 4,
  loops: false,
  inVector: 4,
  outVector: 4,
  lanesX: 2,
  lanesY: 4,
} satisfies Constants;

export const uniforms = { planes: 'u32', height: 'u32', width: 'u32', outHeight: 'u32', outWidth: 'u32' } as const;

/** Launch parameters where an invocation takes `rows` x `columns` elements of the images `over`. */
export function imagesRun(
  gpu: Gpu,
  { planes, input, output }: Images,
  over: readonly [number, number],
  { rows = 1, columns }: { readonly rows?: number; readonly columns: number },
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
    constants: { lanesX, lanesY },
  };
}
