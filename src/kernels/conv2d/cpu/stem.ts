/**
 * Winograd's convolution for 7×7 kernels with stride 2 and few input channels, such as the first layer of a ResNet:
 * forward only, in one kernel. Along an axis, the taps that meet even samples form a convolution with stride 1, and so
 * do those that meet odd samples.
 */
import { linearGrid } from '../../grid.ts';
import { defineKernel, launch } from '../../kernel.ts';
import { shuffleLanes } from '../../shuffle-lanes.ts';
import { MOST_TEXELS } from '../../texels.ts';
import { upTo } from '../../up-to.ts';
import { vectorOf } from '../../vector-of.ts';
import { defineNormalisable, launchNormalised } from '../normalised.ts';
import { type Conv2dKernels, type Conv2dShape, describeConv2d } from '../shape.ts';

/** Outputs per invocation in a row; it computes 2 rows. */
const COLUMNS = 4;
/** Output channels per workgroup, which transforms its patches once for all of them. */
const CHANNELS = 64;
/** Maximum input channels. For each, an invocation keeps 200 vectors of 32 bytes, which should fit the first cache. */
const MOST_CHANNELS = 3;

/** Samples along a side of a tile's patch, distance between the patches of adjacent tiles, and tiles per invocation. */
const [SIDE, STEP, TILES] = [9, 4, 2];
/** Positions of one axis, grouped by the point of the output transform that they belong to: 1, -1, 0 and ∞. */
const POINTS = [
  [1, 5],
  [2, 6],
  [0, 4, 8],
  [3, 7, 9],
] as const;

/** Constants of the shader. */
export type StemConstants = {
  /** Input channels. */
  readonly channels: number;
  /** Subgroup size for shuffles: 4 or 8. */
  readonly lanes: number;
  /** Floats per load and store: 4, 2 or 1; they divide the widths. */
  readonly inVector: number;
  readonly outVector: number;
  /** Columns before the first vector of inputs. */
  readonly inAlign: number;
};

/** Returns the lists that the shader unrolls. */
export function unrollStem({ channels, lanes, inVector, inAlign }: StemConstants) {
  const columns = SIDE + STEP * (TILES - 1);
  const loads: number[] = [];
  for (let first = -((inVector - inAlign) % inVector); first < columns; first += inVector) loads.push(first);
  const known = new Set<number>();
  const sums = POINTS.flatMap((ofColumns, C) =>
    POINTS.map((ofRows, R) => {
      const products = ofRows.flatMap((r) =>
        ofColumns.flatMap((c) =>
          Array.from({ length: channels }, (_, i) => ({ r, c, i, n: stemNumber(r, c, i, channels) })),
        ),
      );
      const numbers = [...new Set(products.map(({ n }) => n))].filter((n) => !known.has(n));
      for (const n of numbers) known.add(n);
      // Each vector of four values is loaded by one lane.
      const fresh = numbers.map((n) => {
        const vector = n >> 2;
        return { n, load: Math.floor(vector / lanes), component: 'xyzw'[n & 3], lane: vector % lanes };
      });
      return { R, C, products, fresh };
    }),
  );
  return {
    /** Input columns of an invocation, and the first of each load; the first may lie before the patch. */
    columns,
    loads,
    /** Vectors of a kernel's values that an invocation loads. */
    vectorsPerLane: Math.ceil(Math.ceil((SIDE * SIDE * channels) / 4) / lanes),
    /**
     * For each point of the columns (C) and of the rows (R), the products added there: value n of the kernel times the
     * transformed sample (r, c) of channel i. Also the values that no earlier sum used.
     */
    sums,
  };
}

/** Returns which value of a transformed kernel multiplies a position. The last tap's value serves two positions. */
function stemNumber(r: number, c: number, channel: number, channels: number): number {
  return (Math.min(r, SIDE - 1) * SIDE + Math.min(c, SIDE - 1)) * channels + channel;
}

const stemKernel = defineNormalisable({
  name: 'winograd_stem',
  shader: 'conv2d/cpu/stem.wgsl',
  derive: unrollStem,
  bindings: { input: 'read', kernels: 'texture_read', output: 'read_write' },
  uniforms: {
    inHeight: 'u32',
    inWidth: 'u32',
    rowPadding: 'u32',
    columnPadding: 'u32',
    outChannels: 'u32',
    ownChannels: 'u32',
    outHeight: 'u32',
    outWidth: 'u32',
    tileRows: 'u32',
    rowSegments: 'u32',
    segments: 'u32',
  },
  example: { channels: 3, lanes: 8, inVector: 4, inAlign: 3, outVector: 4 },
});

const weightKernel = defineKernel({
  name: 'winograd_stem_weight',
  shader: 'conv2d/cpu/stem-weight.wgsl',
  bindings: { weight: 'read', transformed: 'texture_write' },
  uniforms: { outChannels: 'u32' },
  example: { channels: 3 },
});

/** Returns whether this kernel can compute a shape. */
export function winogradStemFits(s: Conv2dShape): boolean {
  const window = s.kernelHeight === 7 && s.kernelWidth === 7 && s.strideHeight === 2 && s.strideWidth === 2;
  return window && s.inChannels <= MOST_CHANNELS && s.outChannels <= MOST_TEXELS;
}

/**
 * Whether it outweighs its transforms. On lavapipe at 3×224×224, 8 output channels took 1.25 times as long, 32 took
 * 0.6.
 */
export const winogradStemPays = (s: Conv2dShape) => s.outChannels >= 16;

/** output = convolution of input (NCHW) with weight (OIHW). Writes all of output. */
export const winogradStem: Conv2dKernels['forward'] = (gpu, s, input, weight, output, after) => {
  const label = `forward ${describeConv2d(s)}`;
  const lanes = shuffleLanes(gpu.traits);
  const texels = upTo(8, Math.ceil((81 * s.inChannels) / 4));
  const texture = () => gpu.pool.acquireTexture(texels, s.outChannels);
  const kernels = weight.derive('winograd stem', texture, (transformed) => {
    launch(gpu, weightKernel, {
      buffers: { weight: weight.buffer, transformed },
      constants: { channels: s.inChannels },
      uniforms: { outChannels: s.outChannels },
      workgroups: [Math.ceil(s.outChannels / 8), 1, 1],
      label,
    });
  });
  const tileRows = Math.ceil(s.outHeight / 2);
  const rowSegments = Math.ceil(s.outWidth / COLUMNS);
  const segments = s.batch * tileRows * rowSegments;
  const [x, z] = linearGrid(segments, lanes);
  const inVector = vectorOf(s.inWidth, COLUMNS);
  const run = {
    buffers: { input, kernels, output },
    constants: {
      channels: s.inChannels,
      lanes,
      inVector,
      inAlign: s.paddingWidth % inVector,
      outVector: vectorOf(s.outWidth, COLUMNS),
    },
    uniforms: {
      inHeight: s.inHeight,
      inWidth: s.inWidth,
      rowPadding: s.paddingHeight,
      columnPadding: s.paddingWidth,
      outChannels: s.outChannels,
      ownChannels: CHANNELS,
      outHeight: s.outHeight,
      outWidth: s.outWidth,
      tileRows,
      rowSegments,
      segments,
    },
    workgroups: [x, Math.ceil(s.outChannels / CHANNELS), z] as const,
    label,
  };
  launchNormalised(gpu, stemKernel, run, after);
};
