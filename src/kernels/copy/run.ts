/** The launches of kernels that compute each value of a tensor by itself. */
import { linearGrid } from '../grid.ts';

/** A value of a shader: one element, or four adjacent ones. */
export interface Run {
  readonly workgroups: [number, number, number];
  readonly constants: { readonly workgroup: number; readonly items: number };
}

/**
 * The launch over `count` values for shaders that include `copy/parts/values.wgsl`. On a CPU adapter a workgroup is one
 * vector of invocations and takes many values, because starting a workgroup costs as much as fifty loads.
 */
export function runOver(kind: 'cpu' | 'gpu', count: number): Run {
  const constants = kind === 'cpu' ? { workgroup: 8, items: 32 } : { workgroup: 64, items: 2 };
  return { workgroups: linearGrid(count, constants.workgroup * constants.items), constants };
}

/** Constants with which tests render those shaders. */
export const runExample = { workgroup: 64, items: 2 } as const;

/**
 * The launch over `count` places of a walk, for shaders that include `copy/parts/walk.wgsl`. On a CPU adapter an
 * invocation takes a run of adjacent places.
 */
export function walkOver(kind: 'cpu' | 'gpu', count: number) {
  const constants = kind === 'cpu' ? { workgroup: 8, run: 32 } : { workgroup: 64, run: 1 };
  return { uniforms: { count }, workgroups: linearGrid(count, constants.workgroup * constants.run), constants };
}

/** Constants with which tests render those shaders. */
export const walkExample = { workgroup: 8, run: 32 } as const;
