/** Lists the columns of an input row that an invocation of a convolution reads, and cuts them into loads to unroll. */

/** One load: adjacent columns, counted from the first column that the first output reads. */
export interface InputLoad {
  readonly first: number;
  /** 1, or the size of a vector. */
  readonly floats: number;
  /** The loaded columns that are read. */
  readonly wanted: readonly number[];
  /** Index of its first column in a vector of the row. */
  readonly component: number;
}

/** How rows are loaded. */
export interface Vectors {
  /** Floats per load: 4, 2 or 1. */
  readonly vector: number;
  /** Columns before the first vector that lies wholly in the row. */
  readonly align: number;
  /** Whether a vector may start before its first column that is read. */
  readonly early: boolean;
}

/** Returns the columns that `outputs` adjacent outputs read, ascending. A stride above the taps skips some. */
export function inputColumns(outputs: number, taps: number, stride: number, dilation = 1): number[] {
  const columns = new Set<number>();
  for (let output = 0; output < outputs; output++) {
    for (let tap = 0; tap < taps; tap++) columns.add(output * stride + tap * dilation);
  }
  return [...columns].sort((a, b) => a - b);
}

/**
 * Cuts columns into loads: a vector if more than half of it is read, since another float costs half a load; else
 * floats.
 */
export function inputLoads(columns: readonly number[], { vector, align, early }: Vectors): InputLoad[] {
  const loads: InputLoad[] = [];
  for (const column of columns) {
    if (loads.some(({ first, floats }) => column < first + floats)) continue;
    const component = remainder(column - align, vector);
    const first = column - component;
    const wanted = columns.filter((other) => other >= column && other < first + vector);
    const whole = vector > 1 && wanted.length * 2 > vector && (early || component === 0);
    loads.push(
      whole
        ? { first, floats: vector, wanted, component: 0 }
        : { first: column, floats: 1, wanted: [column], component },
    );
  }
  return loads;
}

/** The remainder of a division rounded down; never negative. */
const remainder = (value: number, divisor: number) => ((value % divisor) + divisor) % divisor;
