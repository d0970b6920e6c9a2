/**
 * Every op, forward and backward, against PyTorch's values in double, and the optimizer's step against torch.optim.SGD.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { chooseReduction } from '../../../src/kernels/batch-norm/batch-norm.ts';
import { convolvedExtent } from '../../../src/kernels/conv2d/shape.ts';
import { chooseBackward, chooseForward } from '../../../src/kernels/pooling/windows.ts';
import { openAs, withGpu } from '../../support/gpu.ts';
import {
  cases,
  conv2dCases,
  conv2dGroupCases,
  differences,
  load,
  offsetCases,
  RUNS,
  sgdDifferences,
  titleOf,
} from './golden.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

/** Ops without golden cases, and the test that checks them instead. */
const ELSEWHERE = {
  dropout: 'dropout.test.ts: another random function than torch’s',
  passThrough: 'dropout.test.ts: what dropout and stochasticDepth share',
  stochasticDepth: 'nn/stochastic-depth.test.ts: torch’s draws',
  keepFactors: 'nn/stochastic-depth.test.ts: the factors that it shares with dropout',
  toDType: 'half.test.ts: a conversion, compared with every value of f16',
  averagePool: 'pooling.test.ts: what avgPool2d and adaptiveAvgPool2d share',
  normalise: 'layer-norm.test.ts: what layerNorm and groupNorm share',
} as const;

test('every op has a golden case, and every case has an op', () => {
  const folder = new URL('../../../src/autograd/ops/', import.meta.url);
  const ops = readdirSync(folder).flatMap((file) =>
    Array.from(
      readFileSync(new URL(file, folder), 'utf8').matchAll(/^export function (\w+)(?:<[^>]*>)?\([^)]*\): Tensor\b/gm),
      ([, name]) => name!,
    ),
  );
  expect(ops).toContain('conv2d');
  const golden = readdirSync(new URL('../../golden/ops/', import.meta.url)).filter((file) => file.endsWith('.json'));
  const known = new Set(golden.flatMap((file) => load(file.slice(0, -'.json'.length)).map(({ op }) => op)));
  expect(ops.filter((op) => !known.has(op) && !(op in ELSEWHERE))).toEqual([]);
  // The ops of the other files are called by the test of their family.
  const here = new Set([...cases, ...conv2dCases, ...offsetCases, ...conv2dGroupCases].map(({ op }) => op));
  expect([...here].filter((op) => !RUNS[op] && op !== 'sgd')).toEqual([]);
});

describe.each([...new Set(cases.map(({ op }) => op))].filter((op) => op !== 'sgd'))('%s', (op) => {
  for (const one of cases.filter((candidate) => candidate.op === op)) {
    gpuTest(titleOf(one), async () => {
      const before = gpu.pool.liveBytes;
      expect(await differences(gpu, one)).toEqual([]);
      expect(gpu.pool.liveBytes).toBe(before);
    });
  }
});

describe.each(['batchNorm2d', 'maxPool2d'])('%s as on', (op) => {
  for (const [name, traits] of [
    ['a GPU', { kind: 'gpu' }],
    ['a GPU without subgroups', { kind: 'gpu', subgroupSize: 0 }],
    ['a CPU adapter', { kind: 'cpu' }],
    ['a CPU adapter without subgroups', { kind: 'cpu', subgroupSize: 0 }],
  ] as const) {
    gpuTest(name, async () => {
      const other = await openAs(traits);
      for (const one of cases.filter((candidate) => candidate.op === op)) {
        expect(await differences(other, one), titleOf(one)).toEqual([]);
      }
    });
  }
});

describe('the share of an invocation of max pooling', () => {
  const pooling = (kernel: number, stride: number, padding: number, extent = 112) => {
    const output = convolvedExtent(extent, kernel, stride, padding);
    const both = (value: number) => [value, value] as const;
    return {
      ...{ kernel: both(kernel), stride: both(stride), padding: both(padding) },
      ...{ input: both(extent), output: both(output) },
    };
  };
  const single = { inVector: 1, outVector: 1 };

  test('is a run of outputs in forward, and a tile of pixels in backward', () => {
    expect(chooseForward(pooling(3, 2, 1))).toEqual({ columns: 4, loops: false, inVector: 4, outVector: 4 });
    expect(chooseBackward(pooling(3, 2, 1))).toEqual({ rows: 2, columns: 8, loops: false, inVector: 4, outVector: 4 });
    expect(chooseBackward(pooling(3, 3, 0))).toEqual({ rows: 3, columns: 9, loops: false, ...single });
    expect(chooseBackward(pooling(3, 1, 1))).toEqual({ rows: 1, columns: 8, loops: false, inVector: 4, outVector: 4 });
  });

  test('is loaded and stored in vectors where rows are whole vectors', () => {
    const ofForward = (...of: Parameters<typeof pooling>) => {
      const { inVector, outVector } = chooseForward(pooling(...of));
      return [inVector, outVector];
    };
    expect(ofForward(3, 2, 1, 20)).toEqual([4, 2]);
    expect(ofForward(3, 2, 1, 14)).toEqual([2, 1]);
    expect(ofForward(3, 2, 1, 15)).toEqual([1, 4]);
    // The windows of four outputs do not read whole vectors.
    expect(ofForward(3, 1, 1, 16)).toEqual([1, 4]);
    // No window reads the columns between windows.
    expect(ofForward(1, 2, 0, 16)).toEqual([1, 4]);
    // The last window reaches into the padding.
    expect(ofForward(4, 2, 2, 16)).toEqual([1, 1]);
  });

  test('is one output or one pixel where unrolling would be long', () => {
    const one = { loops: true, ...single };
    expect(chooseForward(pooling(7, 2, 3)).loops).toBe(true);
    expect(chooseForward(pooling(9, 1, 4))).toEqual({ columns: 1, ...one });
    expect(chooseBackward(pooling(9, 1, 4))).toEqual({ rows: 1, columns: 1, ...one });
    // There are few windows, but each has many pixels.
    expect(chooseBackward(pooling(10, 10, 0))).toEqual({ rows: 1, columns: 1, ...one });
  });
});

describe('batch norm', () => {
  test('the choice of the reduction depends on the adapter and the plane only', () => {
    const cpu = { kind: 'cpu', subgroupSize: 8 } as const;
    expect(chooseReduction(cpu, 49)).toEqual({ workgroup: 8, run: 8, subgroup: 8 });
    expect(chooseReduction(cpu, 12544)).toEqual(chooseReduction(cpu, 49));
    expect(chooseReduction({ ...cpu, subgroupSize: 4 }, 49)).toEqual({ workgroup: 4, run: 8, subgroup: 4 });
    expect(chooseReduction({ ...cpu, subgroupSize: 0 }, 49)).toEqual({ workgroup: 8, run: 8, subgroup: 0 });
    const gpuTraits = { kind: 'gpu', subgroupSize: 32 } as const;
    expect(chooseReduction(gpuTraits, 1023)).toEqual({ workgroup: 64, run: 8, subgroup: 32 });
    expect(chooseReduction(gpuTraits, 1024)).toEqual({ workgroup: 256, run: 8, subgroup: 32 });
    // 0 means that no size is certain, and a subgroup of 128 does not fit a workgroup of 64.
    for (const subgroupSize of [0, 1, 128]) {
      expect(chooseReduction({ ...gpuTraits, subgroupSize }, 49)).toEqual({ workgroup: 64, run: 8, subgroup: 0 });
    }
  });
});

describe('sgdStep', () => {
  for (const one of cases.filter(({ op }) => op === 'sgd')) {
    gpuTest(titleOf(one), async () => {
      const before = gpu.pool.liveBytes;
      expect(await sgdDifferences(gpu, one)).toEqual([]);
      expect(gpu.pool.liveBytes).toBe(before);
    });
  }
});
