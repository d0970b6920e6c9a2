/** Grids for shaders whose invocations stride on: they cover any size with as many workgroups as one dimension may have. */

/** WebGPU's default limit of workgroups in one dimension. */
const MAX_GRID = 65535;

/**
 * Workgroups along one dimension for `count` items, `perGroup` each, at most the limit. The shader's loop over the items
 * starts at its workgroup and steps by `num_workgroups`, so that what does not fit is done by those that are there.
 */
export function stridingGrid(count: number, perGroup = 1): number {
  return Math.min(Math.max(1, Math.ceil(count / perGroup)), MAX_GRID);
}
