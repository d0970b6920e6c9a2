/** Which columns of an input row an invocation of a convolution reads, and how they are cut into loads that shaders unroll. */

/** One load: neighbouring columns, counted from the one that the first tap of the first output reads. */
export interface InputLoad {
  readonly first: number;
  /** 1, or as many as a vector has. */
  readonly floats: number;
  /** Those of its columns that are read. */
  readonly wanted: readonly number[];
  /** Place of its first column in a vector of the row. */
  readonly component: number;
}

/** How rows are loaded. */
export interface Vectors {
  /** Floats per load: 4, 2 or 1. */
  readonly vector: number;
  /** Columns before the first vector that lies whole in the row. */
  readonly align: number;
  /** Whether a vector may start before the first of its columns that is read. */
  readonly early: boolean;
}

/** The columns that `outputs` neighbouring outputs read, ascending. With a stride above the taps some in between are left out. */
export function inputColumns(outputs: number, taps: number, stride: number): number[] {
  const columns = new Set<number>();
  for (let output = 0; output < outputs; output++) {
    for (let tap = 0; tap < taps; tap++) columns.add(output * stride + tap);
  }
  return [...columns].sort((a, b) => a - b);
}

/** Cuts columns into loads: a vector where more than half of it is wanted, as a float more costs half a load; else one by one. */
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

/** Of a division rounded down: never negative. */
const remainder = (value: number, divisor: number) => ((value % divisor) + divisor) % divisor;
