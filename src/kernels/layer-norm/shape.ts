/** What layer norm and group norm normalise, as rows, and how the kernels divide rows among invocations. */
import type { AdapterTraits, Gpu } from '../../gpu/gpu.ts';
import { chooseReduction } from '../batch-norm/batch-norm.ts';
import { stridingGrid } from '../grid.ts';
import type { Constants } from '../kernel.ts';
import { upTo } from '../up-to.ts';

/**
 * Extents of a tensor [batch, channels, plane], of which every group of adjacent channels is normalised for itself.
 * Weight and bias are [channels]. Layer norm has one group, and planes of one value.
 */
export interface NormSize {
  readonly batch: number;
  readonly channels: number;
  readonly plane: number;
  readonly groups: number;
}

/**
 * Rows of adjacent values. `share` of them have the same statistics. Row r has row r mod `period` of a weight
 * [period, length], or entry r mod `period` of a weight [period].
 */
export interface Rows {
  readonly rows: number;
  readonly length: number;
  readonly share: number;
  readonly period: number;
}

/** Each group: all that is normalised together. */
export function normRows({ batch, channels, plane, groups }: NormSize): Rows {
  return { rows: batch * groups, length: (channels / groups) * plane, share: 1, period: groups };
}

/** Each plane. */
export function planeRows({ batch, channels, plane, groups }: NormSize): Rows {
  return { rows: batch * channels, length: plane, share: channels / groups, period: channels };
}

/** The longest rows that weight and bias fit: planes, or groups whose values each have an entry of their own. */
export function stripRows(size: NormSize): Rows {
  return size.plane === 1 ? normRows(size) : planeRows(size);
}

/** Whether kernels load four values at a time. */
const vectorised = (length: number) => length % 4 === 0;

/**
 * Up to this many values, an invocation sums a whole row. Measured on lavapipe: for 400,000 values the statistics of
 * rows of 16 take 32 ms by workgroups and 1.7 ms by invocations, of rows of 256 2.0 and 1.3 ms; from 2048 on there is
 * no difference.
 */
const SHORT = { cpu: 1024, gpu: 32 } as const;
/** Values per workgroup on a CPU adapter, where starting one costs as much as fifty loads; at least a short row. */
const GROUP = 1024;

/** How a kernel reduces rows of this many values: by a workgroup (see `chooseReduction`), or `single`. */
export function chooseRows(traits: Pick<AdapterTraits, 'kind' | 'subgroupSize'>, length: number) {
  const vector = vectorised(length);
  if (length <= SHORT[traits.kind]) {
    return { single: true, workgroup: traits.kind === 'cpu' ? 8 : 64, run: 8, subgroup: 0, vector };
  }
  return { single: false, ...chooseReduction(traits, vector ? length / 4 : length), vector };
}

/** Launch parameters of a kernel that reduces each row. */
export function reduction(gpu: Gpu, { rows, length, share, period }: Rows) {
  const constants = chooseRows(gpu.traits, length);
  const perGroup = constants.single ? constants.workgroup : 1;
  const busy = gpu.traits.kind === 'cpu' ? Math.max(1, Math.floor(GROUP / (length * perGroup))) : 1;
  return {
    uniforms: { rows, length: constants.vector ? length / 4 : length, share, period },
    workgroups: [stridingGrid(rows, perGroup * busy), 1, 1] as const,
    constants,
    label: `${rows}x${length}`,
  };
}

/** The smallest power of two that is at least `count`, or `most`. */
function lanesFor(count: number, most: number): number {
  let lanes = 1;
  while (lanes < most && lanes < count) lanes *= 2;
  return lanes;
}

/** Invocations of a workgroup of elementwise kernels: along a row, and rows. */
export function chooseElementwise(kind: 'cpu' | 'gpu', length: number) {
  const values = vectorised(length) ? length / 4 : length;
  // On a CPU adapter 8 invocations are one vector. At short rows each takes a row, which loads statistics once.
  const lanesX = kind === 'cpu' ? (length <= SHORT.cpu ? 1 : 8) : lanesFor(values, 64);
  return {
    lanesX,
    lanesY: (kind === 'cpu' ? 8 : 64) / lanesX,
    vector: vectorised(length),
  };
}

/** Launch parameters of a kernel that computes a value for each value of the rows. */
export function elementwise(gpu: Gpu, { rows, length, share, period }: Rows) {
  const { kind } = gpu.traits;
  const { lanesX, lanesY, vector } = chooseElementwise(kind, length);
  const values = vector ? length / 4 : length;
  const busy = kind === 'cpu' ? Math.max(1, Math.floor(GROUP / (length * lanesY))) : 1;
  // Values of a row per workgroup; more if a grid has too few workgroups.
  const least = kind === 'cpu' ? GROUP : 8 * lanesX;
  const along = stridingGrid(values, least);
  const part = Math.max(least, upTo(lanesX, Math.ceil(values / along)));
  return {
    uniforms: { rows, length: values, share, period, part },
    workgroups: [along, stridingGrid(rows, lanesY * busy), 1] as const,
    constants: { lanesX, lanesY, vector, shared: share > 1, periodic: period > 1 },
    label: `${rows}x${length}`,
  };
}

/** Constants with which tests render these kernels. */
export const elementwiseExample = {
  ...{ lanesX: 8, lanesY: 8, vector: true, shared: true, periodic: true, byValue: true },
} satisfies Constants;

/** Sums over a batch are cut into slices until there are this many workgroups, but not below this many rows. */
const SLICED = { cpu: { wanted: 16, rows: 64 }, gpu: { wanted: 256, rows: 32 } } as const;

/** Invocations of a workgroup that sums columns: along a row, and rows. */
export function chooseColumns(
  kind: 'cpu' | 'gpu',
  { channels, groups }: Pick<NormSize, 'channels' | 'groups'>,
  table: boolean,
) {
  // Four values must have the same statistics.
  const vector = vectorised(table ? channels : channels / groups);
  const columns = vector ? channels / 4 : channels;
  const lanesX = lanesFor(columns, kind === 'cpu' ? 8 : 64);
  return { columns, constants: { lanesX, lanesY: (kind === 'cpu' ? 8 : 256) / lanesX, vector } };
}

/** Launch parameters of a kernel that sums each channel over a slice of the batch, and how many slices there are. */
export function columnSums(gpu: Gpu, size: Pick<NormSize, 'batch' | 'channels' | 'groups'>, table: boolean) {
  const { batch, channels, groups } = size;
  const { kind } = gpu.traits;
  const { columns, constants } = chooseColumns(kind, size, table);
  const { lanesX, lanesY } = constants;
  const across = Math.ceil(columns / lanesX);
  const most = Math.ceil(batch / (SLICED[kind].rows * lanesY));
  const slice = Math.ceil(batch / Math.min(most, Math.ceil(SLICED[kind].wanted / across)));
  const slices = Math.ceil(batch / slice);
  return {
    slices,
    // A table has no statistics to share.
    uniforms: { rows: batch, columns, share: table ? columns : columns / groups, slice },
    workgroups: [stridingGrid(across), slices, 1] as const,
    constants,
    label: `${batch}x${channels}`,
  };
}
