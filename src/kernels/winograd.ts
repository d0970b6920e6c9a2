/**
 * Winograd's convolution F(4×4, 3×3) for CPU adapters: 3×3 kernels with stride 1 as 36 matrix products over transformed
 * patches, a quarter of the multiplications. Forward and input gradient are the same three steps, the input gradient with
 * the kernels turned, and share what the weights become; the weight gradient sums over patches instead of channels, and takes
 * those of the forward pass where they were kept.
 *
 * Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015. Points and scaling are our own.
 */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { defineNormalisable, launchNormalised, type Normalisation } from './conv2d-normalised.ts';
import { type Conv2dKernels, type Conv2dShape, describeConv2d, type Forms, type WeightForms } from './conv2d-shape.ts';
import { defineKernel, launch } from './kernel.ts';
import { shuffleLanes } from './shuffle-lanes.ts';
import { vectorOf } from './vector-of.ts';
import {
  COLUMNS,
  columnsFor,
  DEPTHS,
  POSITIONS,
  planeOf,
  ROWS,
  tilesAtOnce,
  tilesInPairs,
  upTo,
} from './winograd-shape.ts';

const inputKernel = defineKernel({
  name: 'winograd_input',
  shader: 'winograd-input.wgsl',
  bindings: { input: 'read', transformed: 'read_write' },
  uniforms: {
    channels: 'u32',
    height: 'u32',
    width: 'u32',
    rowPadding: 'u32',
    columnPadding: 'u32',
    tiles: 'u32',
    tileRows: 'u32',
    tileColumns: 'u32',
    tileExtent: 'u32',
    plane: 'u32',
  },
  example: { tiles: 2, vector: 4 },
});

const weightKernel = defineKernel({
  name: 'winograd_weight',
  shader: 'winograd-weight.wgsl',
  bindings: { weight: 'read', transformed: 'read_write' },
  uniforms: { inChannels: 'u32', outChannels: 'u32', outExtent: 'u32', plane: 'u32' },
});

const productKernel = defineKernel({
  name: 'winograd_product',
  shader: 'winograd-product.wgsl',
  bindings: { a: 'read', b: 'read', output: 'read_write' },
  uniforms: {
    depth: 'u32',
    columns: 'u32',
    lineA: 'u32',
    lineB: 'u32',
    planeA: 'u32',
    planeB: 'u32',
    planeOutput: 'u32',
  },
  example: { lanes: 8, columns: 4, turned: false, depthsLast: false },
});

const outputKernel = defineNormalisable({
  name: 'winograd_output',
  shader: 'winograd-output.wgsl',
  bindings: { products: 'read', output: 'read_write' },
  uniforms: {
    channels: 'u32',
    height: 'u32',
    width: 'u32',
    tiles: 'u32',
    tileRows: 'u32',
    tileColumns: 'u32',
    tileExtent: 'u32',
    plane: 'u32',
  },
  example: { tiles: 2, vector: 4 },
});

const outputGradKernel = defineKernel({
  name: 'winograd_output_grad',
  shader: 'winograd-output-grad.wgsl',
  bindings: { outputGrad: 'read', transformed: 'read_write' },
  uniforms: {
    channels: 'u32',
    height: 'u32',
    width: 'u32',
    tiles: 'u32',
    tileRows: 'u32',
    tileColumns: 'u32',
    channelExtent: 'u32',
    plane: 'u32',
  },
  example: { vector: 4 },
});

const weightGradKernel = defineKernel({
  name: 'winograd_weight_grad',
  shader: 'winograd-weight-grad.wgsl',
  bindings: { products: 'read', weightGrad: 'read_write' },
  uniforms: { inChannels: 'u32', inExtent: 'u32', plane: 'u32' },
});

/** output = convolution of input (NCHW) with weight (OIHW). Writes all of output. */
function forward(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  weight: WeightForms,
  output: PooledBuffer,
  after?: Normalisation,
  inputForms?: Forms,
): void {
  correlate(gpu, input, weight, output, {
    after,
    inputForms,
    turned: false,
    batch: s.batch,
    channels: s.inChannels,
    height: s.inHeight,
    width: s.inWidth,
    rowPadding: s.paddingHeight,
    columnPadding: s.paddingWidth,
    results: s.outChannels,
    resultHeight: s.outHeight,
    resultWidth: s.outWidth,
    label: `forward ${describeConv2d(s)}`,
  });
}

/** inputGrad from outputGrad (both NCHW) and weight. Writes all of inputGrad. */
function inputGrad(
  gpu: Gpu,
  s: Conv2dShape,
  outputGrad: PooledBuffer,
  weight: WeightForms,
  target: PooledBuffer,
): void {
  correlate(gpu, outputGrad, weight, target, {
    turned: true,
    batch: s.batch,
    channels: s.outChannels,
    height: s.outHeight,
    width: s.outWidth,
    rowPadding: 2 - s.paddingHeight,
    columnPadding: 2 - s.paddingWidth,
    results: s.inChannels,
    resultHeight: s.inHeight,
    resultWidth: s.inWidth,
    label: `inputGrad ${describeConv2d(s)}`,
  });
}

interface Correlation {
  /** Whether the kernels are turned by 180 degrees and summed over their output channels. */
  readonly turned: boolean;
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly rowPadding: number;
  readonly columnPadding: number;
  readonly results: number;
  readonly resultHeight: number;
  readonly resultWidth: number;
  readonly label: string;
  readonly after?: Normalisation | undefined;
  readonly inputForms?: Forms | undefined;
}

function correlate(gpu: Gpu, input: PooledBuffer, weight: WeightForms, output: PooledBuffer, c: Correlation): void {
  const tiling = tilesInPairs(c.batch, c.resultHeight, c.resultWidth);
  const depth = upTo(DEPTHS, c.channels);
  const rows = upTo(ROWS, c.results);
  const columns = columnsFor(tiling.tiles);
  const [inChannels, outChannels] = c.turned ? [c.results, c.channels] : [c.channels, c.results];
  const [inExtent, outExtent] = [upTo(ROWS, inChannels), upTo(ROWS, outChannels)];
  const kernelPlane = planeOf(inExtent, outExtent);
  const kernels = weight.form('winograd', POSITIONS * kernelPlane * 4, (transformed) => {
    launch(gpu, weightKernel, {
      buffers: { weight: weight.original, transformed },
      uniforms: { inChannels, outChannels, outExtent, plane: kernelPlane },
      workgroups: [Math.ceil(outExtent / 64), inExtent, 1],
      label: c.label,
    });
  });
  const patches = patchesOf(gpu, input, { ...c, ...tiling }, c.inputForms);
  const products = gpu.pool.acquire(POSITIONS * planeOf(rows, columns) * 4);
  const a = { buffer: kernels, line: outExtent, plane: kernelPlane, turned: c.turned };
  multiply(gpu, a, { ...patches, turned: false }, products, { depth, rows, columns }, c.label);
  patches.release();
  const run = {
    buffers: { products, output },
    constants: { tiles: tilesAtOnce(tiling.tileColumns), vector: vectorOf(c.resultWidth) },
    uniforms: {
      ...tiling,
      channels: c.results,
      height: c.resultHeight,
      width: c.resultWidth,
      tileExtent: columns,
      plane: planeOf(rows, columns),
    },
    workgroups: [Math.ceil((c.results * columns) / 64), 1, 1] as const,
    label: c.label,
  };
  launchNormalised(gpu, outputKernel, run, c.after);
  gpu.pool.release(products);
}

/** weightGrad (OIHW) from input and outputGrad (both NCHW). */
function weightGrad(
  gpu: Gpu,
  s: Conv2dShape,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  target: PooledBuffer,
  inputForms?: Forms,
): void {
  const label = `weightGrad ${describeConv2d(s)}`;
  const tiling = tilesInPairs(s.batch, s.outHeight, s.outWidth);
  const depth = upTo(DEPTHS, tiling.tiles);
  const rows = upTo(ROWS, s.outChannels);
  const columns = columnsFor(s.inChannels);
  const grads = gpu.pool.acquire(POSITIONS * planeOf(depth, rows) * 4);
  launch(gpu, outputGradKernel, {
    buffers: { outputGrad, transformed: grads },
    constants: { vector: vectorOf(s.outWidth) },
    uniforms: {
      ...tiling,
      channels: s.outChannels,
      height: s.outHeight,
      width: s.outWidth,
      channelExtent: rows,
      plane: planeOf(depth, rows),
    },
    workgroups: [(rows * depth) / 2 / 64, 1, 1],
    label,
  });
  const geometry = {
    ...tiling,
    channels: s.inChannels,
    height: s.inHeight,
    width: s.inWidth,
    rowPadding: s.paddingHeight,
    columnPadding: s.paddingWidth,
    label,
  };
  const patches = patchesOf(gpu, input, geometry, inputForms);
  const products = gpu.pool.acquire(POSITIONS * planeOf(rows, columns) * 4);
  const a = { buffer: grads, line: rows, plane: planeOf(depth, rows), turned: false };
  multiply(gpu, a, { ...patches, turned: true }, products, { depth, rows, columns }, label);
  gpu.pool.release(grads);
  patches.release();
  launch(gpu, weightGradKernel, {
    buffers: { products, weightGrad: target },
    uniforms: { inChannels: s.inChannels, inExtent: columns, plane: planeOf(rows, columns) },
    workgroups: [Math.ceil(s.inChannels / 64), s.outChannels, 1],
    label,
  });
  gpu.pool.release(products);
}

interface Geometry {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly rowPadding: number;
  readonly columnPadding: number;
  readonly tiles: number;
  readonly tileRows: number;
  readonly tileColumns: number;
  readonly label: string;
}

interface Patches extends Omit<Operand, 'turned'> {
  /** Says that they are not needed any more. */
  release(): void;
}

/**
 * The transformed patches of an input, [position][channel][tile], padded so that a product can have either of the last two
 * extents for its columns. A form of the input where there are `forms` to keep it in, else made for now.
 */
function patchesOf(gpu: Gpu, input: PooledBuffer, of: Geometry, forms?: Forms): Patches {
  // What patches depend on and nothing else, since it is their key.
  const { channels, height, width, rowPadding, columnPadding, tiles, tileRows, tileColumns, label } = of;
  const geometry = { channels, height, width, rowPadding, columnPadding, tiles, tileRows, tileColumns };
  const line = columnsFor(tiles);
  const extent = columnsFor(channels);
  const plane = planeOf(extent, line);
  const bytes = POSITIONS * plane * 4;
  const write = (transformed: PooledBuffer) => {
    launch(gpu, inputKernel, {
      buffers: { input, transformed },
      constants: { tiles: tilesAtOnce(tileColumns), vector: columnPadding === 1 ? vectorOf(width) : 1 },
      uniforms: { ...geometry, tileExtent: line, plane },
      workgroups: [(extent * line) / 64, 1, 1],
      label,
    });
  };
  if (forms) {
    const buffer = forms.form(`winograd patches ${Object.values(geometry).join(',')}`, bytes, write);
    return { buffer, line, plane, release: () => {} };
  }
  const buffer = gpu.pool.acquire(bytes);
  write(buffer);
  return { buffer, line, plane, release: () => gpu.pool.release(buffer) };
}

/** An operand of the products: [position][depth][row or column], or turned, with depths last. */
interface Operand {
  readonly buffer: PooledBuffer;
  /** Numbers of its last extent, and of a position. */
  readonly line: number;
  readonly plane: number;
  readonly turned: boolean;
}

/** output [position][rows][columns] = the products of `a` and `b`. A turned `a` is the weights of kernels turned by 180 degrees. */
function multiply(
  gpu: Gpu,
  a: Operand,
  b: Operand,
  output: PooledBuffer,
  { depth, rows, columns }: { readonly depth: number; readonly rows: number; readonly columns: number },
  label: string,
): void {
  const lanes = shuffleLanes(gpu.traits);
  const perLane = columns < COLUMNS ? 2 : 4;
  launch(gpu, productKernel, {
    buffers: { a: a.buffer, b: b.buffer, output },
    constants: { lanes, columns: perLane, turned: a.turned, depthsLast: b.turned },
    uniforms: {
      depth,
      columns,
      lineA: a.line,
      lineB: b.line,
      planeA: a.plane,
      planeB: b.plane,
      planeOutput: planeOf(rows, columns),
    },
    workgroups: [columns / (perLane * lanes), rows / ROWS, POSITIONS],
    label,
  });
}

export const winograd: Conv2dKernels = { forward, inputGrad, weightGrad };
