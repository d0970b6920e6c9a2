/** The logarithm of a sum of exponentials over any dimensions, by the maximum, so that nothing overflows. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch } from '../kernel.ts';
import { extremeOver } from './extreme.ts';
import { passExample, passesOf, passRun, passUniforms, type Reduction, runPasses } from './passes.ts';

const kernel = defineKernel({
  name: 'reduction_log_sum_exp',
  shader: 'reduction/sum.wgsl',
  bindings: { input: 'read', maxima: 'read', output: 'read_write' },
  uniforms: { ...passUniforms, count: 'f32' },
  example: { ...passExample, maxima: true, exp: true, log: true },
});

/** output = log(sum of exp(input)) over the reductions, which start with its shape. */
export function logSumExpOver(
  gpu: Gpu,
  reductions: readonly Reduction[],
  input: PooledBuffer,
  output: PooledBuffer,
): void {
  let source = input;
  for (const [i, reduction] of reductions.entries()) {
    const bytes = reduction.outer * reduction.inner * 4;
    const target = i === reductions.length - 1 ? output : gpu.pool.acquire(bytes);
    const maxima = gpu.pool.acquire(bytes);
    extremeOver(gpu, [reduction], false, source, maxima);
    logSumExp(gpu, reduction, source, maxima, target);
    gpu.pool.release(maxima);
    if (source !== input) gpu.pool.release(source);
    source = target;
  }
}

/** The logarithm of a sum of such sums is that of the whole, so one reduction may follow another. */
function logSumExp(
  gpu: Gpu,
  reduction: Reduction,
  input: PooledBuffer,
  maxima: PooledBuffer,
  output: PooledBuffer,
): void {
  const { kind } = gpu.traits;
  runPasses(gpu, passesOf(kind, reduction), input, output, (pass, source, target, last) => {
    const { uniforms, constants, ...run } = passRun(kind, pass);
    launch(gpu, kernel, {
      ...run,
      buffers: { input: source, maxima, output: target },
      uniforms: { ...uniforms, count: 1 },
      constants: { ...constants, maxima: true, exp: source === input, log: last },
    });
  });
}
