/** Largest and smallest values over any dimensions, and their places along one. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch } from '../kernel.ts';
import { passExample, passesOf, passRun, passUniforms, type Reduction, runPasses } from './passes.ts';

const shader = 'reduction/extreme.wgsl';

const valueKernel = defineKernel({
  name: 'reduction_extreme',
  shader,
  bindings: { input: 'read', output: 'read_write' },
  uniforms: passUniforms,
  example: { ...passExample, least: true },
});

/**
 * output = the largest values of input over the reductions, which start with its shape; with `least` the smallest. NaN
 * counts as both.
 */
export function extremeOver(
  gpu: Gpu,
  reductions: readonly Reduction[],
  least: boolean,
  input: PooledBuffer,
  output: PooledBuffer,
): void {
  const { kind } = gpu.traits;
  const passes = reductions.flatMap((reduction) => passesOf(kind, reduction));
  runPasses(gpu, passes, input, output, (pass, source, target) => {
    const { constants, ...run } = passRun(kind, pass);
    launch(gpu, valueKernel, {
      ...run,
      buffers: { input: source, output: target },
      constants: { ...constants, least },
    });
  });
}

const placeKernel = defineKernel({
  name: 'reduction_extreme_place',
  shader,
  bindings: { input: 'read', output: 'read_write', places: 'read_write' },
  uniforms: passUniforms,
  example: { ...passExample, places: true },
});

const chosenKernel = defineKernel({
  name: 'reduction_extreme_chosen',
  shader,
  bindings: { input: 'read', chosen: 'read', output: 'read_write', places: 'read_write' },
  uniforms: passUniforms,
  example: { ...passExample, places: true, chosen: true },
});

/** places (u32) = where the largest values of input are along the terms, the first of equal ones; or the smallest. */
export function placesOver(
  gpu: Gpu,
  reduction: Reduction,
  least: boolean,
  input: PooledBuffer,
  places: PooledBuffer,
): void {
  const { kind } = gpu.traits;
  // The places that the pass before chose among its terms.
  let chosen: PooledBuffer | undefined;
  const passes = passesOf(kind, reduction);
  const values = gpu.pool.acquire(reduction.outer * reduction.inner * 4);
  runPasses(gpu, passes, input, values, (pass, source, output, last) => {
    const target = last ? places : gpu.pool.acquire(pass.outer * pass.slices * pass.inner * 4);
    const { constants, ...run } = passRun(kind, pass);
    const buffers = { input: source, output, places: target };
    if (chosen) {
      const all = { ...constants, least, places: true, chosen: true };
      launch(gpu, chosenKernel, { ...run, buffers: { ...buffers, chosen }, constants: all });
      gpu.pool.release(chosen);
    } else {
      launch(gpu, placeKernel, { ...run, buffers, constants: { ...constants, least, places: true } });
    }
    chosen = target;
  });
  gpu.pool.release(values);
}
