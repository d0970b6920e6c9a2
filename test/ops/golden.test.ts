/** Every op, forward and backward, against PyTorch's values in double; the optimizer's step against torch.optim.SGD. */

import { describe, expect, test } from 'vitest';
import { chooseReduction } from '../../src/kernels/batch-norm.ts';
import { openAs, withGpu } from '../support/gpu.ts';
import { cases, differences, RUNS, sgdDifferences, titleOf } from './golden.ts';

const { gpuTest, gpu } = await withGpu();

describe.each([...new Set(cases.map(({ op }) => op))].filter((op) => RUNS[op]))('%s', (op) => {
  for (const one of cases.filter((candidate) => candidate.op === op)) {
    gpuTest(titleOf(one), async () => {
      const before = gpu.pool.liveBytes;
      expect(await differences(gpu, one)).toEqual([]);
      expect(gpu.pool.liveBytes).toBe(before);
    });
  }
});

describe('batch norm as on', () => {
  for (const [name, traits] of [
    ['a GPU', { kind: 'gpu' }],
    ['a CPU adapter', { kind: 'cpu' }],
    ['a CPU adapter without subgroups', { kind: 'cpu', subgroupSize: 0 }],
  ] as const) {
    gpuTest(name, async () => {
      const other = await openAs(traits);
      for (const one of cases.filter(({ op }) => op === 'batchNorm2d')) {
        expect(await differences(other, one), titleOf(one)).toEqual([]);
      }
    });
  }

  test('the choice of the reduction depends on the adapter and the plane alone', () => {
    const cpu = { kind: 'cpu', subgroupSize: 8 } as const;
    expect(chooseReduction(cpu, 49)).toEqual({ workgroup: 8, run: 32, subgroup: true });
    expect(chooseReduction(cpu, 12544)).toEqual(chooseReduction(cpu, 49));
    expect(chooseReduction({ ...cpu, subgroupSize: 4 }, 49)).toEqual({ workgroup: 4, run: 32, subgroup: true });
    expect(chooseReduction({ ...cpu, subgroupSize: 0 }, 49)).toEqual({ workgroup: 8, run: 32, subgroup: false });
    const gpuTraits = { kind: 'gpu', subgroupSize: 32 } as const;
    expect(chooseReduction(gpuTraits, 1023)).toEqual({ workgroup: 64, run: 16, subgroup: false });
    expect(chooseReduction(gpuTraits, 1024)).toEqual({ workgroup: 256, run: 16, subgroup: false });
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
