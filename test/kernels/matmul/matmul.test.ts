/**
 * Every kernel of a product, against PyTorch's values in double, with errors planted in it. The last tests check how a
 * product is simplified, in which launches kernels go over it, and the choice of the kernel.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { matmul, Tensor } from '../../../src/autograd/index.ts';
import type { Gpu } from '../../../src/gpu/gpu.ts';
import { Chooser, chooserOf } from '../../../src/kernels/chooser.ts';
import {
  chooseMatmul,
  type MatmulVariant,
  matmulCandidates,
  matmulVariants,
  matmulWork,
  tabledMatmul,
} from '../../../src/kernels/matmul/choose.ts';
import { multiply } from '../../../src/kernels/matmul/multiply.ts';
import { type Axis, FROM_0, launchesOf, type ProductKernel, productOf } from '../../../src/kernels/matmul/product.ts';
import { rowsKernel } from '../../../src/kernels/matmul/rows.ts';
import { shuffleLanes } from '../../../src/kernels/shuffle-lanes.ts';
import { type Case, differencesWithin, load, titleOf } from '../../autograd/ops/golden.ts';
import { matmulTolerance } from '../../autograd/ops/matmul-tolerance.ts';
import { expectClose } from '../../support/compare.ts';
import { forceMatmulVariant } from '../../support/force.ts';
import { openAs, withGpu } from '../../support/gpu.ts';
import { seesPlanted } from '../../support/planted.ts';
import { PLAIN_GPU } from '../../support/resnet18.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });
const goldens = load('matmul').filter(({ op }) => op.startsWith('matmul'));
const VARIANTS = Object.keys(matmulVariants) as MatmulVariant[];

const axis = (extent: number, a: number, b: number, output: number): Axis => ({ extent, a, b, output });

afterEach(() => forceMatmulVariant(undefined));

const compare = (on: Gpu, one: Case) =>
  differencesWithin(
    on,
    one,
    ({ a, b }, options) => matmul(a!, b!, options),
    (result) => matmulTolerance(one, result),
  );

describe.each(VARIANTS)('%s', (variant) => {
  for (const op of new Set(goldens.map((one) => one.op))) {
    gpuTest(`computes the cases of ${op}`, async () => {
      forceMatmulVariant(variant);
      for (const one of goldens.filter((each) => each.op === op)) {
        const before = gpu.pool.liveBytes;
        expect(await compare(gpu, one), titleOf(one)).toEqual([]);
        expect(gpu.pool.liveBytes).toBe(before);
      }
    });
  }
});

/** The case of this name or shape of `a`, with these transposed operands. */
function golden(of: string | number[], transposed: { transposeA?: boolean; transposeB?: boolean } = {}): Case {
  const found = goldens.find(({ name, inputs, options }) => {
    const same = typeof of === 'string' ? name === of : inputs.a!.shape.join() === of.join();
    return same && JSON.stringify(options) === JSON.stringify(transposed);
  });
  if (!found) throw new Error(`There is no golden case ${of}.`);
  return found;
}

describe('an error in a kernel', () => {
  const [deep, odd, even, wide] = [golden('of many terms'), golden([65, 7]), golden([64, 8]), golden([2, 6])];
  for (const [variant, what, one, wrong, find, replace] of [
    [
      'dots',
      'the last terms are left out',
      odd,
      'output',
      'depth < begin.lastDepth; depth += PARTS',
      'false; depth += PARTS',
    ],
    ['dots', 'a slice is written over another', deep, 'output', '+ slice * params.outSlice', ''],
    ['dots', 'depths are columns', odd, 'aGrad', 'depth * params.bDepth', 'depth * params.bColumn'],
    ['tiled', 'depth beyond the end is not masked', odd, 'output', /depth < lastDepth/g, 'true'],
    ['tiled', 'a slice is written over another', deep, 'output', '+ slice * params.outSlice', ''],
    ['tiled', 'columns are a row apart', odd, 'aGrad', 'column * params.bColumn', 'column * params.bDepth'],
    ['tiled', 'columns of the next tile are those of the first', wide, 'output', 'group.x * TILE', '0u * TILE'],
    [
      'rows',
      'depth beyond the end is not masked',
      odd,
      'output',
      /let inside\d = [^;]*/g,
      (t: string) => `${t} || true`,
    ],
    ['rows', 'a slice is written over another', deep, 'output', '+ slice * params.outSlice', ''],
    ['rows', 'the last column is left out', odd, 'output', 'params.columns - 1u', 'params.columns - 2u'],
    [
      'rows',
      'a row is that of its neighbour',
      even,
      'output',
      'subgroupShuffle(a0.x, 1u)',
      'subgroupShuffle(a0.x, 2u)',
    ],
    ['rows', 'columns of the next tile are those of the first', even, 'output', 'group.x *', '0u *'],
  ] as const) {
    seesPlanted(
      gpuTest,
      { what: `${variant}: ${what}`, wrong, edit: { find, replace: replace as string } },
      (tampered) => {
        forceMatmulVariant(variant);
        return compare(tampered, one);
      },
    );
  }
});

describe('rows, of operands that no texture holds,', () => {
  const values = (count: number) =>
    Tensor.from(
      gpu,
      Float32Array.from({ length: count }, (_, i) => ((i * 37) % 101) / 50 - 1),
    );
  /** The operands are transposed by name. */
  const productIn = (layout: string, rows: number, depths: number, columns: number) => {
    const [alongA, alongB] = [layout[0] === 'n', layout[1] === 't'];
    return productOf(
      axis(rows, alongA ? depths : 1, 0, columns),
      axis(columns, 0, alongB ? depths : 1, 1),
      axis(depths, alongA ? 1 : rows, alongB ? 1 : columns, 0),
      [axis(2, rows * depths, depths * columns, rows * columns)],
    );
  };
  for (const layout of ['nn', 'nt', 'tn', 'tt']) {
    for (const [rows, depths, columns] of [
      [65, 7, 33],
      [36, 12, 40],
    ] as const) {
      gpuTest(`computes ${rows}x${depths} * ${depths}x${columns} ${layout}`, async () => {
        if (shuffleLanes(gpu.traits) === 0) return;
        const product = productIn(layout, rows, depths, columns);
        const [a, b] = [values(2 * rows * depths), values(2 * depths * columns)];
        const compute = async (kernel: ProductKernel) => {
          const output = Tensor.empty(gpu, [2, rows, columns]);
          multiply(gpu, kernel, product, { a: a.buffer, b: b.buffer }, output.buffer, 'test');
          return output.data();
        };
        // Sums of 12 terms below 1: a few roundings apart.
        const [found, expected] = [await compute(rowsKernel(() => false)), await compute(matmulVariants.dots)];
        expectClose('output', found, expected, { atol: 1e-6, rtol: 0 });
      });
    }
  }
});

/** Of a product [m, k] · [k, n] of contiguous matrices. */
const [m, k, n] = [axis(3, 4, 0, 5), axis(4, 1, 5, 0), axis(5, 0, 1, 1)];

describe('productOf', () => {
  test('makes rows of batches that share b', () => {
    expect(productOf(m, n, k, [axis(2, 36, 0, 45), axis(3, 12, 0, 15)])).toEqual({
      row: axis(18, 4, 0, 5),
      column: n,
      depth: k,
      batch: [],
      summed: [],
    });
  });

  test('makes depth of batches that are summed', () => {
    const gradient = productOf(axis(4, 1, 0, 5), n, axis(3, 4, 5, 0), [axis(2, 12, 15, 0)]);
    expect(gradient).toMatchObject({ depth: axis(6, 4, 5, 0), batch: [], summed: [] });
    // The rows of `a` transposed lie apart from batch to batch.
    const transposed = productOf(axis(4, 3, 0, 5), n, axis(3, 1, 5, 0), [axis(2, 12, 15, 0)]);
    expect(transposed).toMatchObject({ depth: axis(3, 1, 5, 0), summed: [axis(2, 12, 15, 0)] });
  });

  test('keeps other batches, as few axes as possible', () => {
    const both = productOf(m, n, k, [axis(2, 36, 60, 45), axis(3, 12, 20, 15), axis(1, 0, 0, 0)]);
    expect(both).toMatchObject({ row: m, batch: [axis(6, 12, 20, 15)] });
    const crossed = productOf(m, n, k, [axis(2, 12, 0, 45), axis(3, 0, 20, 15)]);
    expect(crossed).toMatchObject({ row: m, batch: [axis(2, 12, 0, 45), axis(3, 0, 20, 15)] });
  });

  test('makes rows of a batch of vectors that share b', () => {
    expect(productOf(axis(1, 4, 0, 5), n, k, [axis(7, 4, 0, 5)])).toMatchObject({ row: axis(7, 4, 0, 5), batch: [] });
  });
});

describe('launchesOf', () => {
  const run = { start: FROM_0, depthsPerSlice: 4, slices: 1 };

  test('covers two axes of batches in a launch, and the others in launches of their own', () => {
    const product = productOf(m, n, k, [axis(2, 0, 120, 90), axis(3, 24, 0, 30), axis(2, 12, 20, 15)]);
    const launches = launchesOf({ product, ...run });
    expect(launches.map(({ z }) => z)).toEqual([6, 6]);
    expect(launches[1]!.uniforms).toMatchObject({ bStart: 120, outStart: 90, innerBatches: 2, aOuter: 24, aInner: 12 });
  });

  test('cuts batches that exceed a grid', () => {
    const product = productOf(m, n, k, [axis(100_000, 12, 20, 15)]);
    const launches = launchesOf({ product, ...run, slices: 2 });
    expect(launches.map(({ z, uniforms }) => [z, uniforms.firstBatch])).toEqual([
      [65534, 0],
      [65534, 32767],
      [65534, 65534],
      [3398, 98301],
    ]);
  });
});

describe('chooseMatmul', () => {
  const product = (rows: number, columns: number, depths = 64) =>
    productOf(axis(rows, depths, 0, columns), axis(columns, 0, 1, 1), axis(depths, 1, columns, 0));
  const cpu = { ...PLAIN_GPU, kind: 'cpu', subgroupSize: 8 } as const;

  test('takes tiles in the memory that the adapter is fast with, and dot products for vectors', () => {
    expect(tabledMatmul(product(64, 64), PLAIN_GPU)).toBe('tiled');
    expect(tabledMatmul(product(64, 64), cpu)).toBe('rows');
    expect(tabledMatmul(product(64, 64), { ...cpu, subgroupSize: 0 })).toBe('dots');
    for (const traits of [PLAIN_GPU, cpu]) {
      expect(tabledMatmul(product(1, 512), traits)).toBe('dots');
      expect(tabledMatmul(product(512, 1), traits)).toBe('dots');
      expect(tabledMatmul(product(4, 2), traits)).toBe('dots');
    }
  });

  test('takes dot products of more rows than a grid has', () => {
    const tall = product(5_000_000, 64, 1);
    expect(matmulCandidates(tall, PLAIN_GPU)).toEqual(['dots']);
    expect(tabledMatmul(tall, PLAIN_GPU)).toBe('dots');
  });

  test('takes the tuned kernel, for that product only, if it exists', () => {
    const work = matmulWork(product(64, 64));
    expect(work.name).toBe('matmul 64x64 * 64x64 nn');
    const tuned = new Map([[work.name, 'dots']]);
    expect(chooseMatmul(work, PLAIN_GPU, tuned)).toBe('dots');
    expect(chooseMatmul(matmulWork(product(64, 65)), PLAIN_GPU, tuned)).toBe('tiled');
    expect(chooseMatmul(work, PLAIN_GPU, new Map([[work.name, 'rows']]))).toBe('tiled');
    expect(new Chooser({ tuned, forced: { matmul: 'tiled' } }).variantFor(work, PLAIN_GPU)).toBe('tiled');
  });

  gpuTest('decides for the op, by the traits of its device', async () => {
    const other = await openAs(PLAIN_GPU);
    const one = golden([64, 8]);
    expect(await compare(other, one)).toEqual([]);
    expect(chooserOf(other).choices['matmul 64x8 * 8x36 nn']).toBe('tiled');
  });
});
