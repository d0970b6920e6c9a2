/**
 * How reductions over any dimensions become passes over three: [outer, terms, inner] → [outer, inner]. Rows have inner
 * 1, columns have outer 1. Pure functions of shape and adapter.
 */
import type { AdapterTraits, Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { broadcastStrides, shortestWalk, stridesOf } from '../strides.ts';

/** A tensor [outer, terms, inner], whose middle dimension is reduced. */
export interface Reduction {
  readonly outer: number;
  readonly terms: number;
  readonly inner: number;
}

/** A reduction, or its first half, whose output is [outer, slices, inner]: each slice takes `share` terms. */
export interface Pass extends Reduction {
  readonly slices: number;
  readonly share: number;
}

/**
 * The reductions, one after another, from `shape` to a shape that is broadcast to it. Neighbouring dimensions are
 * reduced together, the largest first, which leaves least to the rest. Both shapes must have values.
 */
export function reductionsOf(shape: readonly number[], to: readonly number[]): Reduction[] {
  const { extents, strides } = shortestWalk({
    extents: shape,
    strides: [stridesOf(shape), broadcastStrides(to, shape)],
  });
  const dims = extents.map((extent, i) => ({ extent, reduced: strides[1]![i] === 0 }));
  const product = (part: typeof dims) => part.reduce((all, { extent }) => all * extent, 1);
  const reductions: Reduction[] = [];
  for (;;) {
    const extent = Math.max(...dims.filter(({ reduced }) => reduced).map((dim) => dim.extent));
    const at = dims.findIndex((dim) => dim.reduced && dim.extent === extent);
    if (at < 0) break;
    reductions.push({ outer: product(dims.slice(0, at)), terms: extent, inner: product(dims.slice(at + 1)) });
    dims.splice(at, 1);
  }
  return reductions.length > 0 ? reductions : [{ outer: 1, terms: 1, inner: product(dims) }];
}

type Kind = AdapterTraits['kind'];

/** Invocations that keep a device busy. */
const BUSY = { cpu: 256, gpu: 65_536 } as const;

/** Terms that an invocation adds in one run, as in `reduction/parts/sum.wgsl`. */
const RUN = 32;

/**
 * Values per load: four terms of a row, or else four columns, if they are a multiple of 4. `loads` are those of all
 * terms of a result, or of four results side by side.
 */
export function vectorsOf({ terms, inner }: Reduction) {
  const fold = inner === 1 && terms % 4 === 0;
  const perLoad = fold ? 4 : 1;
  const columns = inner % 4 === 0 ? 4 : 1;
  return { fold, vector: fold || columns === 4, perLoad, columns, loads: terms / perLoad };
}

/**
 * Invocations that share a slice, a power of 2. On a CPU adapter one takes it alone: adjacent loads are no cheaper there,
 * and barriers are dear. On a GPU they share the long rows, to load adjacent values. In many columns, they do anyway.
 */
function acrossOf(kind: Kind, reduction: Reduction): number {
  const { loads, columns } = vectorsOf(reduction);
  if (kind === 'cpu' || loads <= 8 || reduction.inner / columns >= 16) return 1;
  return Math.min(2 ** Math.floor(Math.log2(loads / 4)), 256);
}

/** Loads of a slice that are worth another pass over the partial results. */
function leastLoads(kind: Kind, across: number): number {
  if (kind === 'cpu') return 256;
  return across === 1 ? 64 : 8 * across;
}

/**
 * The passes of a reduction: one, or several where that would leave a device idle. The results of a pass over slices
 * are the terms of the next.
 */
export function passesOf(kind: Kind, reduction: Reduction): Pass[] {
  const { outer, terms, inner } = reduction;
  const { perLoad, columns, loads } = vectorsOf(reduction);
  const across = acrossOf(kind, reduction);
  const wanted = Math.ceil((BUSY[kind] * columns) / (outer * inner * across));
  const worth = Math.floor(loads / leastLoads(kind, across));
  const share = Math.ceil(loads / Math.max(Math.min(wanted, worth), 1)) * perLoad;
  const slices = Math.ceil(terms / share);
  const pass = { ...reduction, slices, share };
  return slices === 1 ? [pass] : [pass, ...passesOf(kind, { outer, terms: slices, inner })];
}

/** The launch of a pass, for shaders that include `reduction/parts/slices.wgsl`. */
export function passRun(kind: Kind, pass: Pass) {
  const { outer, terms, inner, slices } = pass;
  const { fold, vector, perLoad, columns } = vectorsOf(pass);
  const across = acrossOf(kind, pass);
  const workgroup = kind === 'cpu' ? 8 : Math.max(64, across);
  const outputs = (outer * slices * inner) / columns;
  const share = pass.share / perLoad;
  // A workgroup on a CPU adapter takes several short slices, because starting it costs as much as fifty loads.
  const items = kind === 'cpu' ? Math.max(1, Math.floor(128 / share)) : 1;
  return {
    uniforms: { outputs, terms: terms / perLoad, inner: inner / columns, slices, share, items },
    workgroups: linearGrid(outputs, (workgroup / across) * items),
    constants: {
      workgroup,
      across,
      vector,
      fold,
      rows: inner === 1,
      sliced: slices > 1,
      short: share <= RUN * across,
    },
    label: `${outer}x${terms}x${inner}`,
  };
}

/** The uniforms that those shaders have first, and constants with which tests render them. */
export const passUniforms = {
  outputs: 'u32',
  terms: 'u32',
  inner: 'u32',
  slices: 'u32',
  share: 'u32',
  items: 'u32',
} as const;
export const passExample = {
  workgroup: 64,
  across: 16,
  vector: true,
  fold: true,
  rows: true,
  sliced: true,
  short: false,
} as const;

/** Runs passes one after another, from `input` to `output`, through buffers for the results between. */
export function runPasses(
  gpu: Gpu,
  passes: readonly Pass[],
  input: PooledBuffer,
  output: PooledBuffer,
  run: (pass: Pass, source: PooledBuffer, target: PooledBuffer, last: boolean) => void,
): void {
  let source = input;
  for (const [i, pass] of passes.entries()) {
    const last = i === passes.length - 1;
    const target = last ? output : gpu.pool.acquire(pass.outer * pass.slices * pass.inner * 4);
    run(pass, source, target, last);
    if (source !== input) gpu.pool.release(source);
    source = target;
  }
}
