/**
 * The yardstick: the fastest matrix product on this adapter, C[M, N] = A[M, K] · B[K, N] in f32. Several kernels
 * compete; each is checked against a product in float64 before it is timed. Convolutions are compared with the fastest.
 * M, N and K are those of a 3×3 convolution from 128 to 128 channels at 28×28 and batch size 4, rounded.
 */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import { Generator } from '../src/data/index.ts';
import { DawngradError } from '../src/errors.ts';
import type { AdapterTraits, Dispatch, Gpu } from '../src/gpu/gpu.ts';
import type { PooledBuffer } from '../src/gpu/pool.ts';
import { timeAlone, timeOnClock } from './timing.ts';

export interface ProductSize {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export const YARDSTICK_SIZE: ProductSize = { m: 128, n: 3072, k: 1152 };

export interface ProductResult {
  readonly kernel: string;
  /** Median milliseconds. */
  readonly ms: number;
  readonly gflops: number;
}

export interface Yardstick extends ProductSize {
  readonly best: ProductResult;
  /** The fastest first. */
  readonly kernels: readonly ProductResult[];
}

/** Rows and vectors of four columns per invocation, and depths per iteration of the loop. */
export interface Registers {
  readonly rows: number;
  readonly vectors: number;
  readonly unroll: number;
}

/** The tile of a workgroup, the depth that it loads at once, and rows and columns per invocation. */
export interface Tiled {
  readonly tileRows: number;
  readonly tileColumns: number;
  readonly depth: number;
  readonly rows: number;
  readonly columns: number;
}

/** On lavapipe one of the first two is fastest. Fewer sums mean more loads per product; more sums spill more. */
const REGISTERS: readonly Registers[] = [
  { rows: 64, vectors: 1, unroll: 2 },
  { rows: 32, vectors: 2, unroll: 2 },
  { rows: 64, vectors: 1, unroll: 1 },
  { rows: 32, vectors: 1, unroll: 4 },
];

const TILED: readonly Tiled[] = [
  { tileRows: 64, tileColumns: 64, depth: 16, rows: 8, columns: 8 },
  { tileRows: 64, tileColumns: 64, depth: 16, rows: 4, columns: 4 },
  { tileRows: 32, tileColumns: 64, depth: 32, rows: 4, columns: 4 },
  { tileRows: 32, tileColumns: 32, depth: 32, rows: 4, columns: 4 },
  { tileRows: 128, tileColumns: 64, depth: 16, rows: 8, columns: 8 },
  { tileRows: 128, tileColumns: 128, depth: 8, rows: 8, columns: 8 },
];

export interface ProductKernel {
  readonly name: string;
  readonly shader: string;
  readonly constants: Readonly<Record<string, number>>;
  readonly workgroups: readonly [number, number, number];
}

/** A kernel in registers only, or undefined if it does not fit. `lanes`: subgroup size for shuffles (4 or 8), or 0. */
export function registersKernel({ m, n, k }: ProductSize, c: Registers, lanes: number): ProductKernel | undefined {
  const columns = (lanes || 8) * 4 * c.vectors;
  if (m % c.rows || n % columns || k % c.unroll || c.rows % (4 * (lanes || 1))) return undefined;
  return {
    name: `registers ${c.rows}x${columns}, k by ${c.unroll}${lanes ? `, ${lanes} lanes` : ''}`,
    shader: 'matmul-registers.wgsl',
    constants: { ...c, lanes, m, n, k },
    workgroups: [n / columns, m / c.rows, 1],
  };
}

/** A kernel with tiles in workgroup memory, or undefined if it does not fit. */
export function tiledKernel({ m, n, k }: ProductSize, c: Tiled): ProductKernel | undefined {
  if (m % c.tileRows || n % c.tileColumns || k % c.depth) return undefined;
  return {
    name: `tiled ${c.tileRows}x${c.tileColumns}x${c.depth}, ${c.rows}x${c.columns} each`,
    shader: 'matmul-tiled.wgsl',
    constants: { ...c, m, n, k },
    workgroups: [n / c.tileColumns, m / c.tileRows, 1],
  };
}

/**
 * The kernels that fit size and adapter. On a CPU adapter workgroup memory is no faster than a buffer and barriers are
 * slow, so only one tiled kernel takes part, to show it. On a GPU the kernels in registers cannot win, but cost little.
 */
export function productKernels(size: ProductSize, traits: AdapterTraits): ProductKernel[] {
  const lanes = [4, 8].includes(traits.subgroupSize) ? traits.subgroupSize : 0;
  // Without shuffles every invocation loads all rows itself, so it cannot have many rows.
  const registers = lanes ? REGISTERS : [{ rows: 16, vectors: 1, unroll: 2 }];
  const tiled = traits.kind === 'cpu' ? TILED.slice(0, 1) : TILED;
  const all = [...registers.map((c) => registersKernel(size, c, lanes)), ...tiled.map((c) => tiledKernel(size, c))];
  return all.filter((kernel) => kernel !== undefined);
}

const eta = new Eta({
  views: fileURLToPath(new URL('shaders', import.meta.url)),
  cache: true,
  autoEscape: false,
  autoTrim: false,
  useWith: false,
  varName: 'k',
});

/** WGSL of a kernel. */
export function renderProduct({ shader, constants }: ProductKernel): string {
  return eta.render(shader, constants).replace(/\n\s*\n+/g, '\n');
}

/** Draws random matrices: `transposedA` [k, m], `b` [k, n]. */
export function drawOperands({ m, n, k }: ProductSize) {
  const random = new Generator(0);
  const draw = (count: number) => random.fillUniform(new Float32Array(count), -0.5, 0.5) as Float32Array<ArrayBuffer>;
  return { transposedA: draw(k * m), b: draw(k * n) };
}
type Operands = ReturnType<typeof drawOperands>;

/**
 * Describes an error of a product, or returns undefined. It checks whole rows and columns, so it sees every place of a
 * tile. The error of a float32 sum of k products is about √k roundings of the sum of their sizes (worst case: k). Four
 * times that is allowed, some 1e-4; a product that is missing or added twice makes a difference of 0.08 on average.
 */
export function findProductError({ m, n, k }: ProductSize, { transposedA, b }: Operands, c: Float32Array) {
  const check = (row: number, column: number) => {
    let exact = 0;
    let size = 0;
    for (let depth = 0; depth < k; depth++) {
      const term = transposedA[depth * m + row]! * b[depth * n + column]!;
      exact += term;
      size += Math.abs(term);
    }
    const found = c[row * n + column]!;
    const allowed = 4 * Math.sqrt(k) * 2 ** -24 * size;
    if (Math.abs(found - exact) <= allowed) return undefined;
    return `C[${row}, ${column}] is ${found}, expected ${exact} within ${allowed.toExponential(1)}`;
  };
  const [rows, columns] = [m, n].map((extent) => [0, Math.floor(extent / 3), extent - 1]);
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      const problem = rows!.includes(row) || columns!.includes(column) ? check(row, column) : undefined;
      if (problem) return problem;
    }
  }
  return undefined;
}

/** A kernel that takes this many times as long as the best so far is measured only once. */
const HOPELESS = 3;

/** The competition: kernels that are compiled, checked and can be timed repeatedly. */
export class ProductBench {
  readonly #gpu: Gpu;
  readonly #size: ProductSize;
  readonly #buffers: PooledBuffer[];
  readonly #ready: { name: string; dispatch: Dispatch }[] = [];
  readonly #times = new Map<string, number[]>();

  private constructor(gpu: Gpu, size: ProductSize, operands: Operands) {
    this.#gpu = gpu;
    this.#size = size;
    this.#buffers = [operands.transposedA, operands.b].map((data) => {
      const buffer = gpu.pool.acquire(data.byteLength);
      gpu.upload(buffer, data);
      return buffer;
    });
    this.#buffers.push(gpu.pool.acquire(size.m * size.n * 4));
  }

  /** Compiles and checks every kernel, by default those for the adapter. @throws DawngradError if a product is wrong */
  static async prepare(
    gpu: Gpu,
    size: ProductSize = YARDSTICK_SIZE,
    kernels: readonly ProductKernel[] = productKernels(size, gpu.traits),
  ): Promise<ProductBench> {
    const operands = drawOperands(size);
    const bench = new ProductBench(gpu, size, operands);
    const output = bench.#buffers[2]!;
    for (const kernel of kernels) {
      const dispatch: Dispatch = {
        program: {
          key: `yardstick:${kernel.name}:${size.m}x${size.n}x${size.k}`,
          name: 'yardstick',
          code: () => renderProduct(kernel),
          access: ['read', 'read', 'read_write'],
          hasUniforms: false,
        },
        buffers: bench.#buffers,
        workgroups: kernel.workgroups,
      };
      gpu.clear(output); // otherwise the previous result would hide a kernel that writes nothing
      gpu.dispatch(dispatch);
      const c = new Float32Array(await gpu.read(output, size.m * size.n * 4));
      const problem = findProductError(size, operands, c);
      if (problem) throw new DawngradError(`The yardstick "${kernel.name}" computes a wrong product: ${problem}.`);
      bench.#ready.push({ name: kernel.name, dispatch });
    }
    return bench;
  }

  /** Times every kernel that may still win. A later call counts too: the machine may be faster then. */
  async measure(): Promise<void> {
    for (const { name, dispatch } of this.#ready) {
      const times = this.#times.get(name) ?? [];
      const best = Math.min(...[...this.#times.values()].map((one) => Math.min(...one)));
      if (times.length > 0 && Math.min(...times) > HOPELESS * best) continue;
      times.push(await timeAlone(this.#gpu, [dispatch]));
      this.#times.set(name, times);
    }
  }

  /** GFLOP/s of the kernel that was fastest so far, measured anew by the clock, for comparisons in turn. */
  async measureBest(): Promise<number> {
    const { kernel } = this.result().best;
    const { dispatch } = this.#ready.find(({ name }) => name === kernel)!;
    const { m, n, k } = this.#size;
    return (2 * m * n * k) / (await timeOnClock(this.#gpu, () => this.#gpu.dispatch(dispatch))) / 1e6;
  }

  /** The best measurement of each kernel. Each measurement is a median. */
  result(): Yardstick {
    const { m, n, k } = this.#size;
    const kernels = [...this.#times].map(([kernel, times]) => {
      const ms = Math.min(...times);
      return { kernel, ms, gflops: (2 * m * n * k) / ms / 1e6 };
    });
    kernels.sort((a, b) => a.ms - b.ms);
    const best = kernels[0];
    if (!best) throw new RangeError('No kernel fits this size, or measure() was not called.');
    return { ...this.#size, best, kernels };
  }

  dispose(): void {
    for (const buffer of this.#buffers) this.#gpu.pool.release(buffer);
  }
}
