/** Grids that cover any size although one dimension holds only so many workgroups: folded into two, or striding on. */

/** WebGPU's default limit of workgroups in one dimension. */
const MAX_GRID = 65535;

/**
 * Workgroups along one dimension for `count` items, `perGroup` each, at most the limit. The shader's loop over the items
 * starts at its workgroup and steps by `num_workgroups`, so that what does not fit is done by those that are there.
 */
export function stridingGrid(count: number, perGroup = 1): number {
  return Math.min(Math.max(1, Math.ceil(count / perGroup)), MAX_GRID);
}

/**
 * Workgroups for `count` independent elements, `perGroup` each, folded into two dimensions where one is too short. The
 * shader's element index is `(workgroup_id.y * num_workgroups.x + workgroup_id.x) * perGroup + …`, checked against the count.
 */
export function linearGrid(count: number, perGroup: number): [number, number, number] {
  const groups = Math.max(1, Math.ceil(count / perGroup));
  if (groups <= MAX_GRID) return [groups, 1, 1];
  const y = Math.ceil(groups / MAX_GRID);
  return [Math.ceil(groups / y), y, 1];
}

/** Elements per workgroup of the elementwise kernels: 64 invocations of 8. */
const ELEMENTWISE_GROUP = 512;

/** Workgroups of a kernel over `count` elements whose workgroups are 64 invocations of 8 elements. */
export function elementwiseGrid(count: number): [number, number, number] {
  return linearGrid(count, ELEMENTWISE_GROUP);
}

/**
 * How the shaders with `parts/elementwise.wgsl` go over `count` elements: four at a time where they are a multiple of it. On a
 * CPU adapter a workgroup is one vector of invocations and takes many elements, for starting one costs as much as fifty loads.
 */
export function elementwiseRun(kind: 'cpu' | 'gpu', count: number) {
  const vector = count % 4 === 0;
  const values = vector ? count / 4 : count;
  const size = kind === 'cpu' ? { workgroup: 8, items: 128 } : { workgroup: 64, items: vector ? 2 : 8 };
  return {
    uniforms: { count: values },
    workgroups: linearGrid(values, size.workgroup * size.items),
    constants: { ...size, vector },
    label: `${count}`,
  };
}

/** Constants with which tests render those shaders. */
export const elementwiseExample = { workgroup: 64, items: 2, vector: true } as const;
