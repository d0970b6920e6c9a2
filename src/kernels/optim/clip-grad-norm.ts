/** Scales gradients down to a total norm, as torch.nn.utils.clip_grad_norm_, without reading anything back. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { elementwiseExample, elementwiseRun, linearGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';

const squares = defineKernel({
  name: 'grad_norm_squares',
  shader: 'optim/grad-norm-squares.wgsl',
  bindings: { grad: 'read', partials: 'read_write' },
  uniforms: { count: 'u32', offset: 'u32' },
  example: { ...elementwiseExample, items: 16 },
});

const total = defineKernel({
  name: 'grad_norm_total',
  shader: 'optim/grad-norm-total.wgsl',
  bindings: { partials: 'read', norm: 'read_write', coefficient: 'read_write' },
  uniforms: { count: 'u32', maxNorm: 'f32' },
});

const scale = defineKernel({
  name: 'grad_scale',
  shader: 'optim/grad-scale.wgsl',
  bindings: { grad: 'read_write', coefficient: 'read' },
  uniforms: { count: 'u32' },
  example: elementwiseExample,
});

/** Elements of a workgroup: enough that the partial sums of a large network are few. */
const PER_GROUP = 4096;

/** A gradient, and how many elements it has. */
export interface SizedGrad {
  readonly size: number;
  readonly buffer: PooledBuffer;
}

/** Writes the norm of all gradients together to `norm` [1], and scales them if it is above `maxNorm`. */
export function clipGrads(gpu: Gpu, grads: readonly SizedGrad[], maxNorm: number, norm: PooledBuffer): void {
  const { kind } = gpu.traits;
  let offset = 0;
  const runs = grads.map(({ size, buffer }) => {
    const { uniforms, constants, label } = elementwiseRun(kind, size);
    const items = PER_GROUP / constants.workgroup / (constants.vector ? 4 : 1);
    const workgroups = linearGrid(uniforms.count, constants.workgroup * items);
    const run = { grad: buffer, constants: { ...constants, items }, workgroups, count: uniforms.count, offset, label };
    offset += workgroups[0] * workgroups[1];
    return run;
  });
  const partials = gpu.pool.acquire(offset * 4);
  const coefficient = gpu.pool.acquire(4);
  for (const { grad, count, offset: place, ...run } of runs) {
    launch(gpu, squares, { ...run, buffers: { grad, partials }, uniforms: { count, offset: place } });
  }
  const buffers = { partials, norm, coefficient };
  launch(gpu, total, { buffers, uniforms: { count: offset, maxNorm }, workgroups: [1, 1, 1] });
  for (const { size, buffer } of grads) {
    launch(gpu, scale, { ...elementwiseRun(kind, size), buffers: { grad: buffer, coefficient } });
  }
  gpu.pool.release(partials);
  gpu.pool.release(coefficient);
}
