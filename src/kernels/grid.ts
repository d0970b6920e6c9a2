/** Grids for any size. WebGPU limits the workgroups per dimension, so they fold into two dimensions, or stride. */

/** WebGPU's default limit on workgroups per dimension. */
export const MAX_GRID = 65535;

/**
 * Returns the workgroups along one dimension for `count` items, `perGroup` each, at most the limit. The shader's loop
 * starts at its workgroup and steps by `num_workgroups`, which covers the items beyond the limit.
 */
export function stridingGrid(count: number, perGroup = 1): number {
  return Math.min(Math.max(1, Math.ceil(count / perGroup)), MAX_GRID);
}

/**
 * Returns the workgroups for `count` independent elements, `perGroup` each, folded into two dimensions if one is too
 * short. The shader computes its element index as
 * `(workgroup_id.y * num_workgroups.x + workgroup_id.x) * perGroup + …` and compares it with the count.
 * @throws RangeError if they are more than fit, or no numbers
 */
export function linearGrid(count: number, perGroup: number): [number, number, number] {
  if (!(count >= 0 && perGroup > 0 && count / perGroup <= MAX_GRID ** 2)) {
    throw new RangeError(
      `linearGrid: expected a count of at most ${MAX_GRID ** 2} groups, got ${count} by ${perGroup}.`,
    );
  }
  const groups = Math.max(1, Math.ceil(count / perGroup));
  if (groups <= MAX_GRID) return [groups, 1, 1];
  const y = Math.ceil(groups / MAX_GRID);
  return [Math.ceil(groups / y), y, 1];
}

/**
 * Invocations of a workgroup of an elementwise kernel, and the elements or vectors of four that each takes. On a CPU
 * adapter a workgroup is one vector of invocations and takes many elements, because starting a workgroup costs as much
 * as fifty loads.
 */
export function elementwiseGroup(kind: 'cpu' | 'gpu', vector: boolean): { workgroup: number; items: number } {
  return kind === 'cpu' ? { workgroup: 8, items: 128 } : { workgroup: 64, items: vector ? 2 : 8 };
}

/**
 * Returns the launch for shaders that include `parts/elementwise.wgsl`, over `count` elements. They process four at a
 * time if `count` is a multiple of 4.
 */
export function elementwiseRun(kind: 'cpu' | 'gpu', count: number) {
  const vector = count % 4 === 0;
  const values = vector ? count / 4 : count;
  const group = elementwiseGroup(kind, vector);
  return {
    uniforms: { count: values },
    workgroups: linearGrid(values, group.workgroup * group.items),
    constants: { ...group, vector },
    label: `${count}`,
  };
}

/** Constants with which tests render those shaders. */
export const elementwiseExample = { workgroup: 64, items: 2, vector: true } as const;
