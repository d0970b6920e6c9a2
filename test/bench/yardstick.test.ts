/** The matrix products of the yardstick: they are right on every adapter, and the check finds errors. */
import { describe, expect, test } from 'vitest';
import {
  drawOperands,
  findProductError,
  ProductBench,
  type ProductKernel,
  productKernels,
  registersKernel,
  renderProduct,
  tiledKernel,
  YARDSTICK_SIZE,
} from '../../bench/yardstick.ts';
import { openTampered, type ShaderEdit, withGpu } from '../support/gpu.ts';
import { CPU, GPU } from './support.ts';

const { gpuTest, gpu } = await withGpu();

const SMALL = { m: 64, n: 128, k: 96 };

describe('the kernels that take part', () => {
  const names = (traits: typeof CPU, size = YARDSTICK_SIZE) => productKernels(size, traits).map(({ name }) => name);

  test('on a CPU: kernels in registers with shuffles, and one with tiles', () => {
    const all = names(CPU);
    expect(all.filter((name) => name.startsWith('registers') && name.endsWith('8 lanes'))).toHaveLength(4);
    expect(all.filter((name) => name.startsWith('tiled'))).toHaveLength(1);
  });

  test('on a GPU: tiles of several sizes, and one kernel in registers without shuffles', () => {
    const all = names(GPU);
    expect(all.filter((name) => name.startsWith('tiled'))).toHaveLength(6);
    expect(all.filter((name) => name.startsWith('registers'))).toEqual(['registers 16x32, k by 2']);
  });

  test('have distinct names', () => {
    for (const traits of [CPU, GPU]) expect(new Set(names(traits)).size).toBe(names(traits).length);
  });

  test('fit the size', () => {
    expect(names(GPU, { m: 32, n: 64, k: 32 })).toEqual([
      'registers 16x32, k by 2',
      'tiled 32x64x32, 4x4 each',
      'tiled 32x32x32, 4x4 each',
    ]);
    expect(names(CPU, { m: 30, n: 64, k: 32 })).toEqual([]);
  });

  test('with tiles stay within the limits of every device', () => {
    for (const kernel of productKernels(YARDSTICK_SIZE, GPU)) {
      if (!kernel.name.startsWith('tiled')) continue;
      const { tileRows, tileColumns, depth, rows, columns } = kernel.constants as Record<string, number>;
      expect((tileRows! + tileColumns!) * depth! * 4).toBeLessThanOrEqual(16_384);
      expect((tileRows! / rows!) * (tileColumns! / columns!)).toBeLessThanOrEqual(256);
      expect(renderProduct(kernel)).toMatch(/^\n*\/\/ \S/);
    }
  });
});

describe('the check', () => {
  const operands = drawOperands(SMALL);
  const product = () => {
    const c = new Float32Array(SMALL.m * SMALL.n);
    for (let row = 0; row < SMALL.m; row++) {
      for (let column = 0; column < SMALL.n; column++) {
        let total = 0;
        for (let depth = 0; depth < SMALL.k; depth++) {
          total += operands.transposedA[depth * SMALL.m + row]! * operands.b[depth * SMALL.n + column]!;
        }
        c[row * SMALL.n + column] = total;
      }
    }
    return c;
  };

  test('accepts a right product', () => {
    expect(findProductError(SMALL, operands, product())).toBeUndefined();
  });

  test.each([
    ['the last corner', SMALL.m * SMALL.n - 1],
    ['the first row', 77],
    ['the first column', 33 * SMALL.n],
  ])('finds one wrong value in %s', (_, index) => {
    const c = product();
    c[index]! += 1e-3;
    expect(findProductError(SMALL, operands, c)).toMatch(/^C\[\d+, \d+\] is .*, expected/);
  });

  test('finds NaN', () => {
    expect(findProductError(SMALL, operands, product().fill(Number.NaN))).toMatch('C[0, 0] is NaN');
  });
});

// Small tiles, because the timed ones take seconds to compile without a cache. Those are checked before they are timed.
const registers = registersKernel(SMALL, { rows: 8, vectors: 2, unroll: 2 }, 0)!;
const shuffled = (lanes: number) => registersKernel(SMALL, { rows: 32, vectors: 1, unroll: 2 }, lanes)!;
const tiled = tiledKernel(SMALL, { tileRows: 16, tileColumns: 32, depth: 8, rows: 8, columns: 8 })!;

gpuTest('kernels compute the product and are timed, and the fastest is the best', async () => {
  const lanes = gpu.traits.subgroupSize;
  const kernels = [registers, tiled, ...([4, 8].includes(lanes) ? [shuffled(lanes)] : [])];
  const bench = await ProductBench.prepare(gpu, SMALL, kernels);
  expect(() => bench.result()).toThrow('measure() was not called');
  await bench.measure();
  const { best, kernels: results, ...size } = bench.result();
  bench.dispose();
  expect(size).toEqual(SMALL);
  expect(results.map(({ kernel }) => kernel).sort()).toEqual(kernels.map(({ name }) => name).sort());
  expect(best).toBe(results[0]);
  expect(best.ms).toBe(Math.min(...results.map(({ ms }) => ms)));
  for (const { ms, gflops } of results) {
    expect(ms).toBeGreaterThan(0);
    expect(gflops).toBeCloseTo((2 * SMALL.m * SMALL.n * SMALL.k) / ms / 1e6, 6);
  }
});

gpuTest('an error in a kernel is found', async () => {
  const cases: [ProductKernel, ShaderEdit][] = [
    // Omits the last depth of every slice.
    [tiled, { find: 'd < DEPTH', replace: 'd < DEPTH - 1u' }],
    // Reads a vector of the tile from its neighbour's place.
    [tiled, { find: '+ local.x];', replace: '+ (local.x ^ 1u)];' }],
    // Does not store the last row.
    [registers, { find: 'i < ROWS; i++', replace: 'i < ROWS - 1u; i++' }],
  ];
  for (const [kernel, edit] of cases) {
    const other = await openTampered(edit);
    const run = ProductBench.prepare(other, SMALL, [kernel]);
    await expect(run).rejects.toThrow(`The yardstick "${kernel.name}" computes a wrong product: C[`);
  }
});
