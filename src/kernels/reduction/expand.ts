/** From results [outer, inner] back to [outer, terms, inner]: the gradients of reductions. */
import type { AdapterTraits, Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';
import { type Reduction, vectorsOf } from './passes.ts';
import { sumOver } from './sum.ts';

/** The launch over [outer, terms, inner], for shaders that include `reduction/parts/expand.wgsl`. */
function expandRun(kind: AdapterTraits['kind'], reduction: Reduction) {
  const { outer, terms, inner } = reduction;
  const { vector, fold, perLoad, columns } = vectorsOf(reduction);
  const perValue = perLoad * columns;
  const count = (outer * terms * inner) / perValue;
  // As for elementwise kernels: a workgroup on a CPU adapter takes many Values, because starting it is dear.
  const size = kind === 'cpu' ? { workgroup: 8, items: 128 } : { workgroup: 64, items: vector ? 2 : 8 };
  return {
    uniforms: { count, span: (terms * inner) / perValue, inner: inner / columns },
    workgroups: linearGrid(count, size.workgroup * size.items),
    constants: { ...size, vector, fold, rows: inner === 1 },
    label: `${outer}x${terms}x${inner}`,
  };
}

type Buffers<Name extends string> = Readonly<Record<Name, PooledBuffer>>;

const uniforms = { count: 'u32', span: 'u32', inner: 'u32' } as const;
const example = { workgroup: 64, items: 2, vector: true, fold: true, rows: true } as const;

const copy = defineKernel({
  name: 'reduction_expand',
  shader: 'reduction/expand.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { ...uniforms, divisor: 'f32' },
  example: { ...example, mean: true },
});

/** output = input for all terms of the reductions, which start with the output's shape; divided by `divisor`, if given. */
export function expand(
  gpu: Gpu,
  reductions: readonly Reduction[],
  input: PooledBuffer,
  output: PooledBuffer,
  divisor?: number,
): void {
  let source = input;
  for (const [i, reduction] of [...reductions.entries()].reverse()) {
    const { outer, terms, inner } = reduction;
    const target = i === 0 ? output : gpu.pool.acquire(outer * terms * inner * 4);
    const run = expandRun(gpu.traits.kind, reduction);
    const mean = source === input && divisor !== undefined;
    launch(gpu, copy, {
      ...run,
      buffers: { input: source, output: target },
      uniforms: { ...run.uniforms, divisor: divisor ?? 1 },
      constants: { ...run.constants, mean },
    });
    if (source !== input) gpu.pool.release(source);
    source = target;
  }
}

/**
 * Calls `run` with the first of the reductions, and with these results of all of them expanded to the results of the
 * first. The buffers are released afterwards.
 */
function withExpanded<Results extends readonly PooledBuffer[]>(
  gpu: Gpu,
  [first, ...rest]: readonly Reduction[],
  results: readonly [...Results],
  run: (first: Reduction, ...expanded: Results) => void,
): void {
  if (!first) return;
  const expanded = results.map((result) => {
    if (rest.length === 0) return result;
    const buffer = gpu.pool.acquire(first.outer * first.inner * 4);
    expand(gpu, rest, result, buffer);
    return buffer;
  });
  run(first, ...(expanded as readonly PooledBuffer[] as Results));
  if (rest.length > 0) for (const buffer of expanded) gpu.pool.release(buffer);
}

const tiesKernel = defineKernel({
  name: 'reduction_extreme_ties',
  shader: 'reduction/extreme-ties.wgsl',
  bindings: { input: 'read', results: 'read', ties: 'read_write' },
  uniforms,
  example,
});

const extremeKernel = defineKernel({
  name: 'reduction_extreme_backward',
  shader: 'reduction/extreme-backward.wgsl',
  bindings: { outputGrad: 'read', counts: 'read', inputGrad: 'read_write' },
  uniforms,
  example,
});

/**
 * inputGrad = outputGrad, shared evenly among the terms that equal their extreme, and 0 for the others. Rows whose
 * extreme is NaN get NaN.
 */
export function extremeBackward(
  gpu: Gpu,
  reductions: readonly Reduction[],
  { input, output, outputGrad, inputGrad }: Buffers<'input' | 'output' | 'outputGrad' | 'inputGrad'>,
): void {
  const { kind } = gpu.traits;
  withExpanded(gpu, reductions, [output], (first, results) => {
    launch(gpu, tiesKernel, { ...expandRun(kind, first), buffers: { input, results, ties: inputGrad } });
  });
  const { outer, inner } = reductions.at(-1)!;
  const counts = gpu.pool.acquire(outer * inner * 4);
  sumOver(gpu, reductions, inputGrad, counts);
  withExpanded(gpu, reductions, [outputGrad, counts], (first, grads, expanded) => {
    const buffers = { outputGrad: grads, counts: expanded, inputGrad };
    launch(gpu, extremeKernel, { ...expandRun(kind, first), buffers });
  });
  gpu.pool.release(counts);
}

const logSumExpKernel = defineKernel({
  name: 'reduction_log_sum_exp_backward',
  shader: 'reduction/log-sum-exp-backward.wgsl',
  bindings: { input: 'read', results: 'read', outputGrad: 'read', inputGrad: 'read_write' },
  uniforms,
  example,
});

/** inputGrad = exp(input − output) · outputGrad. */
export function logSumExpBackward(
  gpu: Gpu,
  reductions: readonly Reduction[],
  { input, output, outputGrad, inputGrad }: Buffers<'input' | 'output' | 'outputGrad' | 'inputGrad'>,
): void {
  withExpanded(gpu, reductions, [output, outputGrad], (first, results, grads) => {
    const buffers = { input, results, outputGrad: grads, inputGrad };
    launch(gpu, logSumExpKernel, { ...expandRun(gpu.traits.kind, first), buffers });
  });
}
