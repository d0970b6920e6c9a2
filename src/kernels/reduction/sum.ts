/** Sums and means over any dimensions. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch } from '../kernel.ts';
import { passExample, passesOf, passRun, passUniforms, type Reduction, runPasses } from './passes.ts';

const kernel = defineKernel({
  name: 'reduction_sum',
  shader: 'reduction/sum.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { ...passUniforms, count: 'f32' },
  example: { ...passExample, mean: true },
});

/** output = the sum of input over the reductions, which start with its shape; divided by `count`, if given. */
export function sumOver(
  gpu: Gpu,
  reductions: readonly Reduction[],
  input: PooledBuffer,
  output: PooledBuffer,
  count?: number,
): void {
  const { kind } = gpu.traits;
  const passes = reductions.flatMap((reduction) => passesOf(kind, reduction));
  runPasses(gpu, passes, input, output, (pass, source, target, last) => {
    const { uniforms, constants, ...run } = passRun(kind, pass);
    const mean = last && count !== undefined;
    launch(gpu, kernel, {
      ...run,
      buffers: { input: source, output: target },
      uniforms: { ...uniforms, count: count ?? 1 },
      constants: { ...constants, mean },
    });
  });
}
