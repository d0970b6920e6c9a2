/** Lists the columns that a run of outputs reads, the windows that touch a tile of pixels, and their loads, to unroll. */

/** Constants of the shaders of backward. Pixels are those of the input. */
export type BackwardConstants = {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly paddingHeight: number;
  readonly paddingWidth: number;
  /** Pixels per invocation: a multiple of the stride. */
  readonly rows: number;
  readonly columns: number;
  /** Whether an invocation takes a single pixel and loops over its windows. */
  readonly loops: boolean;
  /** Values per load and store: 4, 2 or 1; 1 if it loops. */
  readonly inVector: number;
  readonly outVector: number;
  /** Invocations of a workgroup. */
  readonly lanesX: number;
  readonly lanesY: number;
};

/** A load of gradients: `floats` windows of a row from `first` on. `component` is the first's index in its vector. */
export interface WindowLoad {
  readonly first: number;
  readonly floats: number;
  readonly component: number;
}

/**
 * Returns the windows that cover pixel `at` of a tile along one axis, relative to window (first pixel of the tile) /
 * stride. Window o covers the padded pixels o · stride up to o · stride + kernel − 1.
 */
export function windowsOver(at: number, stride: number, kernel: number, padding: number): number[] {
  const last = Math.floor((at + padding) / stride);
  const first = Math.floor((at + padding - kernel) / stride) + 1;
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Cuts a row of windows into loads: a whole vector if the tile needs all of it, else single windows. */
export function windowLoads(windows: readonly number[], vector: number): WindowLoad[] {
  const loads: WindowLoad[] = [];
  for (const window of windows) {
    if (loads.some(({ first, floats }) => window < first + floats)) continue;
    // Vectors are aligned to the tile.
    const whole = vector > 1 && window >= 0 && window % vector === 0 && windows.includes(window + vector - 1);
    const component = ((window % vector) + vector) % vector;
    loads.push({ first: window, floats: whole ? vector : 1, component });
  }
  return loads;
}

/**
 * Returns the list that the shaders of forward unroll: the columns of input, from the first column of the first window
 * on, that the windows of an invocation read. A stride above the kernel skips some.
 */
export function unrollForward(k: Pick<BackwardConstants, 'columns' | 'loops' | 'strideWidth' | 'kernelWidth'>) {
  if (k.loops) return { inputColumns: [] };
  const all = Array.from({ length: (k.columns - 1) * k.strideWidth + k.kernelWidth }, (_, j) => j);
  return { inputColumns: all.filter((j) => j % k.strideWidth < k.kernelWidth) };
}

/** Returns the lists that the shaders of backward unroll. */
export function unrollBackward(k: BackwardConstants) {
  const along = (pixels: number, stride: number, kernel: number, padding: number) =>
    Array.from({ length: pixels }, (_, at) => windowsOver(at, stride, kernel, padding));
  const distinct = (lists: readonly number[][]) => [...new Set(lists.flat())].sort((a, b) => a - b);
  /** Windows over each row and each column of the tile. */
  const rowWindows = along(k.rows, k.strideHeight, k.kernelHeight, k.paddingHeight);
  const columnWindows = along(k.columns, k.strideWidth, k.kernelWidth, k.paddingWidth);
  const windowColumns = distinct(columnWindows);
  return {
    rowWindows,
    columnWindows,
    windowRows: distinct(rowWindows),
    windowColumns,
    windowLoads: windowLoads(windowColumns, k.inVector),
  };
}

/**
 * The lists for adaptive pooling to no more pixels than there are: two windows at most cover a pixel along each axis,
 * since a window has at least one pixel, and overlaps the next but one nowhere.
 */
export const ADAPTIVE_WINDOWS = {
  rowWindows: [[0, 1]],
  columnWindows: [[0, 1]],
  windowRows: [0, 1],
  windowColumns: [0, 1],
  windowLoads: windowLoads([0, 1], 1),
} as const;
