/** Dropout by a mask that is computed from a key wherever it is needed, and never stored. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';

const kernel = defineKernel({
  name: 'dropout',
  shader: 'dropout/dropout.wgsl',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { count: 'u32', key0: 'u32', key1: 'u32', drop: 'u32', scale: 'f32' },
  example: { workgroup: 64, items: 2, vector: true },
});

/** A mask: 0 with probability drop / 2³², else `scale`, chosen by the key. */
export interface DropoutMask {
  readonly key: readonly [number, number];
  readonly drop: number;
  readonly scale: number;
}

/** output = input · mask; `count` elements. */
export function dropout(
  gpu: Gpu,
  count: number,
  { key, drop, scale }: DropoutMask,
  input: PooledBuffer,
  output: PooledBuffer,
): void {
  // Starting a workgroup costs a CPU adapter as much as fifty loads.
  const size = gpu.traits.kind === 'cpu' ? { workgroup: 8, items: 32 } : { workgroup: 64, items: 2 };
  launch(gpu, kernel, {
    buffers: { input, output },
    uniforms: { count, key0: key[0], key1: key[1], drop, scale },
    workgroups: linearGrid(count / 4, size.workgroup * size.items),
    constants: { ...size, vector: count % 4 === 0 },
    label: `${count}`,
  });
}
