/**
 * Random programs on the engine, always the same ones, for about twenty seconds. `npm run fuzz` goes on with others;
 * `npm run verify -- random-programs` runs 5,000.
 */
import { expect } from 'vitest';
import { withGpu } from '../support/gpu.ts';
import { findTorchPython, NO_TORCH } from '../support/python.ts';
import { skipUnless } from '../support/skip.ts';
import { describe as describeSummary, runCampaign, type Summary } from './campaign.ts';
import { TorchPrograms } from './torch.ts';

const SEED = 20;
const SECONDS = 20;
/** The rest is for what a failing program takes to be made smaller, and for shaders that were never compiled. */
const TIMEOUT_MS = 300_000;
/** Even where every shader has to be compiled there is time for some. */
const LEAST_PROGRAMS = 3;

const { gpuTest } = await withGpu();
const python = findTorchPython();
const torchTest = python
  ? gpuTest
  : skipUnless(false, `random programs are checked by finite differences alone: ${NO_TORCH}`);

torchTest(
  'random programs agree with PyTorch and with finite differences',
  async () => {
    const torch = new TorchPrograms(python!);
    try {
      const summary = await runCampaign({ seed: SEED, seconds: SECONDS, torch });
      expectFine(summary);
      expect(summary.compared + summary.undecided).toBe(summary.programs);
      // Values away from all kinks are found for nearly every program.
      expect(summary.undecided).toBeLessThanOrEqual(summary.programs * 0.05 + 1);
    } finally {
      torch.close();
    }
  },
  TIMEOUT_MS,
);

gpuTest(
  'random programs agree with finite differences, in bits from run to run, and read nothing unwritten',
  async () => {
    expectFine(await runCampaign({ seed: SEED + 1, seconds: python ? SECONDS / 4 : SECONDS, torch: undefined }));
  },
  TIMEOUT_MS,
);

function expectFine(summary: Summary): void {
  console.log(`random programs: ${describeSummary(summary)}`);
  if (summary.failure) {
    const { program, failures } = summary.failure;
    const lines = failures.map(({ kind, message }) => `${kind}: ${message}`);
    throw new Error(
      `A random program fails:\n${lines.join('\n')}\nTo run it again, put this into a file for ` +
        `\`npm run fuzz -- --replay FILE\`:\n${JSON.stringify(program)}`,
    );
  }
  expect(summary.programs).toBeGreaterThanOrEqual(LEAST_PROGRAMS);
}
