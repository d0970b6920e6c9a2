/** Sums of losses in a fixed order: kernels sum runs of values, and one workgroup adds the runs. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';

/**
 * What a backward multiplies by: outputGrad / divisor. The gradient is one value of a sum, or one for each loss.
 */
export interface OutputScale {
  readonly outputGrad: PooledBuffer;
  readonly each: boolean;
}

/** Invocations of a workgroup of `loss/parts/runs.wgsl`. */
const WORKGROUP = 64;
/** Values that an invocation sums before the sums are stored. */
const RUN = 16;
/** More values are summed in runs first, by many workgroups; the last pass has one. */
const MOST_AT_ONCE = 16_384;

/** A launch of a shader with `loss/parts/runs.wgsl`. */
export interface LossRun {
  readonly workgroups: [number, number, number];
  readonly constants: { readonly run: number };
  readonly label: string;
}

/** The launch over `count` values that writes each of them. */
export function eachOf(count: number): LossRun {
  return { workgroups: linearGrid(count, WORKGROUP), constants: { run: 1 }, label: `${count}` };
}

/** The launch that writes sums of runs instead, and the number of sums. */
function runsOf(count: number): { readonly sums: number; readonly run: LossRun } {
  const block = WORKGROUP * RUN;
  return {
    sums: Math.floor(count / block) * WORKGROUP + Math.min(WORKGROUP, count % block),
    run: { workgroups: linearGrid(count, block), constants: { run: RUN }, label: `${count}` },
  };
}

/** Constants with which tests render those shaders. */
export const runsExample = { run: RUN } as const;

const runs = defineKernel({
  name: 'loss_runs',
  shader: 'loss/runs.wgsl',
  bindings: { values: 'read', output: 'read_write' },
  uniforms: { count: 'u32' },
  example: runsExample,
});

const sum = defineKernel({
  name: 'loss_sum',
  shader: 'loss/sum.wgsl',
  bindings: { values: 'read', output: 'read_write' },
  uniforms: { count: 'u32', divisor: 'f32' },
});

const quotient = defineKernel({
  name: 'loss_quotient',
  shader: 'loss/sum.wgsl',
  bindings: { values: 'read', divisors: 'read', output: 'read_write' },
  uniforms: { count: 'u32', divisor: 'f32' },
  example: { measured: true },
});

/**
 * output = the sum of `values` [count] / `divisor`, a number or the first value of a buffer. 0 / 0 is NaN: torch's mean of
 * no losses.
 */
export function lossSum(
  gpu: Gpu,
  count: number,
  values: PooledBuffer,
  divisor: number | PooledBuffer,
  output: PooledBuffer,
): void {
  if (count > MOST_AT_ONCE) {
    const { sums, run } = runsOf(count);
    const partial = gpu.pool.acquire(sums * 4);
    launch(gpu, runs, { ...run, buffers: { values, output: partial }, uniforms: { count } });
    lossSum(gpu, sums, partial, divisor, output);
    gpu.pool.release(partial);
  } else if (typeof divisor === 'number') {
    launch(gpu, sum, { buffers: { values, output }, uniforms: { count, divisor }, workgroups: [1, 1, 1] });
  } else {
    launch(gpu, quotient, {
      buffers: { values, divisors: divisor, output },
      uniforms: { count, divisor: 1 },
      workgroups: [1, 1, 1],
      constants: { measured: true },
    });
  }
}

/**
 * The losses of `count` elements: each of them, or with a divisor their sum / divisor. `run` launches the kernel that
 * computes them, as a shader with `loss/parts/runs.wgsl`.
 */
export function reduceLosses(
  gpu: Gpu,
  count: number,
  divisor: number | undefined,
  output: PooledBuffer,
  run: (launch: LossRun, output: PooledBuffer) => void,
): void {
  if (divisor === undefined) {
    run(eachOf(count), output);
    return;
  }
  const parts = runsOf(count);
  const partial = gpu.pool.acquire(parts.sums * 4);
  run(parts.run, partial);
  lossSum(gpu, parts.sums, partial, divisor, output);
  gpu.pool.release(partial);
}
