/** Products of tensors: what is multiplied and summed, in any layout, and the grid in which kernels go over it. */
import type { AdapterTraits, Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { MAX_GRID } from '../grid.ts';
import type { Scalar } from '../kernel.ts';
import { shortestWalk } from '../strides.ts';

/** The tensors of a product: output = a · b. */
export const TENSORS = ['a', 'b', 'output'] as const;
export type ProductTensor = (typeof TENSORS)[number];

/** One extent, and how far apart neighbours along it are in each tensor, in elements: 0 where the tensor lacks it. */
export interface Axis extends Readonly<Record<ProductTensor, number>> {
  readonly extent: number;
}

/**
 * output[batch, row, column] = the sum over depth of a[batch, row, depth] · b[batch, depth, column], and over `summed`,
 * if there is any. Rows of the output are contiguous, and so are the elements of each operand along one of its two axes.
 */
export interface Product {
  readonly row: Axis;
  readonly column: Axis;
  readonly depth: Axis;
  /** Outermost first. */
  readonly batch: readonly Axis[];
  /** Axes that the output lacks, as far as they do not make one axis with the depth. */
  readonly summed: readonly Axis[];
}

/**
 * The simplest product with these axes. Batches that share `b` become rows, and batches that are summed become depth,
 * where one step leads from each to the next. So a weight that all batches share takes one product, and so does its
 * gradient.
 */
export function productOf(row: Axis, column: Axis, depth: Axis, batch: readonly Axis[] = []): Product {
  const rows = joined(
    batch.filter(({ output }) => output !== 0),
    row,
    'b',
  );
  const depths = joined(
    batch.filter(({ output }) => output === 0),
    depth,
    'output',
  );
  return { row: rows.last, column, depth: depths.last, batch: rows.others, summed: depths.others };
}

/** Makes as few axes of `others` and `last` as possible. An axis takes the place of `last` only if `without` lacks it. */
function joined(others: readonly Axis[], last: Axis, without: ProductTensor) {
  const all = fewest([...others, last]);
  const end = all.at(-1);
  if (end && end[without] === 0) return { others: all.slice(0, -1), last: end };
  return { others: fewest(others), last };
}

/** The same axes, neighbours made one where possible, without those of extent 1. */
function fewest(axes: readonly Axis[]): Axis[] {
  const long = axes.filter(({ extent }) => extent !== 1);
  if (long.length === 0) return [];
  const { extents, strides } = shortestWalk({
    extents: long.map(({ extent }) => extent),
    strides: TENSORS.map((tensor) => long.map((axis) => axis[tensor])),
  });
  const [a, b, output] = strides as [number[], number[], number[]];
  return extents.map((extent, i) => ({ extent, a: a[i]!, b: b[i]!, output: output[i]! }));
}

/** The product of the extents. */
export const extentOf = (axes: readonly Axis[]) => axes.reduce((product, { extent }) => product * extent, 1);

/** Elements of the output. */
export function outputsOf({ row, column, batch }: Product): number {
  return extentOf([row, column, ...batch]);
}

/** Elements of an operand that the product reads, if they are all of its tensor's. */
export function valuesOf({ row, column, depth, batch, summed }: Product, operand: 'a' | 'b'): number {
  return extentOf([row, column, depth, ...batch, ...summed].filter((axis) => axis[operand] > 0));
}

/** Floating-point operations; a multiply-add counts as two. */
export function productFlops(product: Product): number {
  return 2 * outputsOf(product) * extentOf([product.depth, ...product.summed]);
}

/** Whether adjacent elements of an operand are adjacent along the depth, else along its other axis. */
export function isAlong({ row, column, depth }: Product, operand: 'a' | 'b'): boolean {
  const other = operand === 'a' ? row : column;
  return depth[operand] === 1 && !(other[operand] === 1 && other.extent > depth.extent);
}

/**
 * Describes a product for timings and records: `8 of 256x64 * 64x130 nt`. As in BLAS, `n` is an operand with adjacent
 * elements in its rows, `t` one that lies transposed.
 */
export function describeProduct(product: Product): string {
  const { row, column, depth, batch, summed } = product;
  const layout = `${isAlong(product, 'a') ? 'n' : 't'}${isAlong(product, 'b') ? 't' : 'n'}`;
  const size = `${row.extent}x${depth.extent} * ${depth.extent}x${column.extent} ${layout}`;
  const [batches, sums] = [extentOf(batch), extentOf(summed)];
  return `${batches === 1 ? '' : `${batches} of `}${size}${sums === 1 ? '' : `, summed over ${sums}`}`;
}

/** The buffers of a product. */
export interface Operands {
  readonly a: PooledBuffer;
  readonly b: PooledBuffer;
  /** [columns]; added to every row. Not with `summed`. */
  readonly bias?: PooledBuffer | undefined;
}

/** One run of a kernel over all batches. */
export interface ProductRun extends Operands {
  readonly product: Product;
  readonly output: PooledBuffer;
  /** Where each tensor begins, in elements. */
  readonly start: Readonly<Record<ProductTensor, number>>;
  /** The depth is cut into slices of this length. The output of a slice follows that of the slice before. */
  readonly depthsPerSlice: number;
  readonly slices: number;
  readonly label: string;
}

/** Starts at the first element of each tensor. */
export const FROM_0 = { a: 0, b: 0, output: 0 } as const;

/** A kernel that computes products. */
export interface ProductKernel {
  /** Workgroups in x and y for one batch. */
  grid(product: Product, traits: AdapterTraits): readonly [x: number, y: number];
  /** Workgroups that keep the device busy. */
  wanted(traits: AdapterTraits): number;
  /** Slices are at least this long. */
  readonly leastDepths: number;
  /** Slices are a multiple of this long. */
  readonly multiple: number;
  readonly run: (gpu: Gpu, run: ProductRun) => void;
}

/** The uniforms of every kernel, as in matmul/parts/product.wgsl. */
export const productUniforms = {
  ...{ rows: 'u32', columns: 'u32', depths: 'u32', depthsPerSlice: 'u32', slices: 'u32' },
  ...{ firstBatch: 'u32', innerBatches: 'u32' },
  ...{ aStart: 'u32', aOuter: 'u32', aInner: 'u32', aRow: 'u32', aDepth: 'u32' },
  ...{ bStart: 'u32', bOuter: 'u32', bInner: 'u32', bDepth: 'u32', bColumn: 'u32' },
  ...{ outStart: 'u32', outOuter: 'u32', outInner: 'u32', outSlice: 'u32' },
} as const satisfies Record<string, Scalar>;
export type ProductUniforms = Record<keyof typeof productUniforms, number>;

/** A launch of a kernel: its uniforms, and how many workgroups it has in z. */
export interface ProductLaunch {
  readonly uniforms: ProductUniforms;
  readonly z: number;
}

const NO_AXIS: Axis = { extent: 1, a: 0, b: 0, output: 0 };

/**
 * The launches of a run. Each covers the two innermost axes of the batches, or a part of them if they exceed a grid.
 * @param unit converts a distance in an operand, in elements, to the units in which a kernel loads it
 */
export function launchesOf(
  { product, start, depthsPerSlice, slices }: Pick<ProductRun, 'product' | 'start' | 'depthsPerSlice' | 'slices'>,
  unit: Readonly<Record<'a' | 'b', (elements: number) => number>> = { a: (n) => n, b: (n) => n },
): ProductLaunch[] {
  const { row, column, depth } = product;
  const axes = [NO_AXIS, NO_AXIS, ...product.batch];
  const [outer, inner] = axes.slice(-2) as [Axis, Axis];
  const batches = outer.extent * inner.extent;
  const most = Math.floor(MAX_GRID / slices);
  const uniformsFor = (begin: ProductRun['start'], firstBatch: number): ProductUniforms => ({
    ...{ rows: row.extent, columns: column.extent, depths: depth.extent, depthsPerSlice, slices },
    ...{ firstBatch, innerBatches: inner.extent },
    ...{ aStart: unit.a(begin.a), aOuter: unit.a(outer.a), aInner: unit.a(inner.a) },
    ...{ aRow: unit.a(row.a), aDepth: unit.a(depth.a) },
    ...{ bStart: unit.b(begin.b), bOuter: unit.b(outer.b), bInner: unit.b(inner.b) },
    ...{ bDepth: unit.b(depth.b), bColumn: unit.b(column.b) },
    ...{ outStart: begin.output, outOuter: outer.output, outInner: inner.output, outSlice: outputsOf(product) },
  });
  const launches: ProductLaunch[] = [];
  for (const begin of startsOf(axes.slice(0, -2), start)) {
    for (let first = 0; first < batches; first += most) {
      launches.push({ uniforms: uniformsFor(begin, first), z: Math.min(most, batches - first) * slices });
    }
  }
  return launches;
}

/** Where each index of the axes begins in each tensor, in order. */
export function startsOf(axes: readonly Axis[], first: ProductRun['start']): ProductRun['start'][] {
  return axes.reduce(
    (starts, axis) =>
      starts.flatMap(({ a, b, output }) =>
        Array.from({ length: axis.extent }, (_, i) => ({
          a: a + i * axis.a,
          b: b + i * axis.b,
          output: output + i * axis.output,
        })),
      ),
    [first],
  );
}
