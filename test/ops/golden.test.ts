/** Every op, forward and backward, against PyTorch's values in double; the optimizer's step against torch.optim.SGD. */

import { describe, expect } from 'vitest';
import { withGpu } from '../support/gpu.ts';
import { cases, differences, RUNS, sgdDifferences, titleOf } from './golden.ts';

const { gpuTest, gpu } = await withGpu();

describe.each(Object.keys(RUNS))('%s', (op) => {
  for (const one of cases.filter((candidate) => candidate.op === op)) {
    gpuTest(titleOf(one), async () => {
      const before = gpu.pool.liveBytes;
      expect(await differences(gpu, one)).toEqual([]);
      expect(gpu.pool.liveBytes).toBe(before);
    });
  }
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
