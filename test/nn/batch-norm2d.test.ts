/** BatchNorm2d with momentum null: the running statistics are the mean over all batches, as in torch. */
import { describe, expect } from 'vitest';
import { noGrad } from '../../src/autograd/graph.ts';
import { BatchNorm2d } from '../../src/nn/index.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';
import { type Dense, golden, hostEntries, upload } from './support.ts';

interface Step {
  readonly training: boolean;
  readonly input: Dense;
  readonly output: Dense;
  readonly running_mean: number[];
  readonly running_var: number[];
  readonly num_batches_tracked: number;
}

const { gpuTest, gpu } = await withGpu({ poisoned: true });
const { state, steps } = golden<{ state: Record<string, Dense>; steps: Step[] }>('batch-norm-cumulative');

/** Values around 2, normalised with statistics that are right to about an ulp. */
const TOLERANCE = { atol: 1e-6, rtol: 2e-6 };

async function run(module: BatchNorm2d, step: Step, name: string): Promise<void> {
  const input = upload(gpu, step.input);
  const output = noGrad(() => module.train(step.training).call(input));
  expectClose(`${name}, output`, await output.data(), step.output.data, TOLERANCE);
  expectClose(`${name}, mean`, await module.runningMean.data(), step.running_mean, TOLERANCE);
  expectClose(`${name}, variance`, await module.runningVar.data(), step.running_var, TOLERANCE);
  expect(module.batchesTracked.value, name).toBe(step.num_batches_tracked);
  for (const tensor of [input, output]) tensor.dispose();
}

function build(): BatchNorm2d {
  const module = new BatchNorm2d(gpu, 3, { momentum: null });
  module.loadStateDict(hostEntries(state));
  return module;
}

describe('momentum null', () => {
  gpuTest('weighs every training batch equally, as torch does; evaluation counts no batch', async () => {
    const module = build();
    expect(module.momentum).toBeNull();
    for (const [i, step] of steps.entries()) await run(module, step, `step ${i}`);
    module.dispose();
  });

  gpuTest('continues from the loaded count', async () => {
    const [, second, , last] = steps;
    const module = build();
    const scalar = { shape: [], data: [second!.num_batches_tracked] };
    const statistics = {
      running_mean: { shape: [3], data: second!.running_mean },
      running_var: { shape: [3], data: second!.running_var },
    };
    module.loadStateDict(hostEntries({ ...state, ...statistics, num_batches_tracked: scalar }));
    await run(module, last!, 'the last step');
    module.dispose();
  });

  gpuTest('differs from any fixed momentum at the second batch', async () => {
    for (const momentum of [0.1, 1]) {
      const module = new BatchNorm2d(gpu, 3, { momentum });
      module.loadStateDict(hostEntries(state));
      await expect(async () => {
        for (const [i, step] of steps.slice(0, 2).entries()) await run(module, step, `step ${i}`);
      }).rejects.toThrow(/mean differs/);
      module.dispose();
    }
  });

  gpuTest('a count that is too high by one is seen', async () => {
    const module = build();
    module.batchesTracked.value = 1;
    await expect(run(module, steps[0]!, 'the first step')).rejects.toThrow(/mean differs/);
    module.dispose();
  });
});
