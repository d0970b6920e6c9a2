/** What the kernels share that compute each value of a tensor by itself. */
import { linearGrid } from '../grid.ts';
import { defineKernel, type Kernel, type Scalar } from '../kernel.ts';

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
  return { workgroups: linearGrid(count, constants.workgroup * constants.run), constants };
}

/** Axes that a kernel walks at most. */
export const MOST_AXES = 8;

/**
 * Declares a kernel whose shader includes `copy/parts/walk.wgsl` for each number of axes: the first walks one axis.
 * @param perAxis further uniforms that each axis has
 */
export function defineWalks(kernel: Kernel, perAxis: Readonly<Record<string, Scalar>>): readonly Kernel[] {
  return Array.from({ length: MOST_AXES }, (_, last) =>
    defineKernel({
      ...kernel,
      name: `${kernel.name}_${last + 1}`,
      uniforms: { ...kernel.uniforms, ...eachAxis(last + 1, perAxis) },
      example: { workgroup: 8, run: 32, ...kernel.example, rank: last + 1 },
    }),
  );
}

/** The uniforms of the axes: `axisUniforms({ extent: [2, 3] })` is `{ extent0: 2, extent1: 3 }`. */
export function axisUniforms(perAxis: Readonly<Record<string, readonly number[]>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(perAxis).flatMap(([name, values]) => values.map((value, axis) => [`${name}${axis}`, value])),
  );
}

function eachAxis<T>(rank: number, perAxis: Readonly<Record<string, T>>): Record<string, T> {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return Object.fromEntries(
    axes.flatMap((axis) => Object.entries(perAxis).map(([name, value]) => [`${name}${axis}`, value] as const)),
  );
}
