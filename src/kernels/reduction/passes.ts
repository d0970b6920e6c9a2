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

/** Invocations that occupy a device, and loads of each that are worth a pass over partial results. */
const BUSY = { cpu: { invocations: 256, loads: 256 }, gpu: { invocations: 65_536, loads: 16 } } as const;

/** Terms are loaded four at a time if they lie side by side. Else four columns are, if they are a multiple of 4. */
export function vectorsOf({ terms, inner }: Reduction) {
  const fold = inner === 1 && terms % 4 === 0;
  const columns = inner % 4 === 0;
  return { fold, vector: fold || columns, perLoad: fold ? 4 : 1, columns: columns ? 4 : 1 };
}

/**
 * Invocations that share a slice. On a CPU adapter one takes it alone: adjacent loads are no cheaper there, and barriers
 * are dear. On a GPU, rows are shared so that adjacent invocations load adjacent values; long columns where they are few.
 */
export function acrossOf(kind: Kind, { outer, terms, inner }: Reduction): number {
  const loads = terms / vectorsOf({ outer, terms, inner }).perLoad;
  if (kind === 'cpu' || loads <= 8 || inner > 1) return 1;
  return Math.min(2 ** Math.floor(Math.log2(loads / 4)), 256);
}

/**
 * The passes of a reduction: one, or several where it would leave a device idle. The partial results of a pass are the
 * terms of the next.
 */
export function passesOf(kind: Kind, reduction: Reduction): Pass[] {
  const { outer, terms, inner } = reduction;
  const { perLoad, columns } = vectorsOf(reduction);
  const across = acrossOf(kind, reduction);
  const busy = BUSY[kind];
  const wanted = Math.ceil(busy.invocations / ((outer * inner * across) / columns));
  const worth = Math.floor(terms / (busy.loads * perLoad * across));
  const slices = Math.max(Math.min(wanted, worth), 1);
  const share = Math.ceil(terms / slices / perLoad) * perLoad;
  const pass = { ...reduction, slices: Math.ceil(terms / share), share };
  if (pass.slices === 1) return [pass];
  return [pass, ...passesOf(kind, { outer, terms: pass.slices, inner })];
}

/** Outputs that a workgroup takes for this many loads, because starting it costs as much as fifty. */
const itemsFor = (kind: Kind, loads: number) => (kind === 'cpu' ? Math.max(1, Math.floor(128 / loads)) : 1);

/** The launch of a pass, for shaders that include `reduction/parts/slices.wgsl`. */
export function passRun(kind: Kind, pass: Pass) {
  const { outer, terms, inner, slices, share } = pass;
  const { fold, vector, perLoad, columns } = vectorsOf(pass);
  const across = acrossOf(kind, pass);
  const workgroup = kind === 'cpu' ? 8 : Math.max(64, across);
  const outputs = (outer * slices * inner) / columns;
  const items = itemsFor(kind, share / perLoad);
  return {
    uniforms: {
      outputs,
      terms: terms / perLoad,
      inner: inner / columns,
      slices,
      share: share / perLoad,
      items,
    },
    workgroups: linearGrid(outputs, (workgroup / across) * items),
    constants: { workgroup, across, vector, fold },
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
export const passExample = { workgroup: 64, across: 16, vector: true, fold: true } as const;

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
