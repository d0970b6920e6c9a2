/**
 * Runs random programs on the engine for about ten seconds, the same ones every time. `npm run fuzz` runs others,
 * and `npm run verify -- random-programs` runs 5,000.
 */
import { expect } from 'vitest';
import { withGpu } from '../support/gpu.ts';
import { findTorchPython, NO_TORCH } from '../support/python.ts';
import { skipUnless } from '../support/skip.ts';
import { describe as describeSummary, runCampaign, type Summary } from './campaign.ts';
import { TorchPrograms } from './torch.ts';

const SEED = 20;
const SECONDS = 10;
/** The rest of the time is for shrinking a failing program, and for compiling shaders. */
const TIMEOUT_MS = 300_000;
/** Even if every shader has to be compiled there is time for so many. */
const LEAST_PROGRAMS = 3;

const { gpuTest } = await withGpu();
const python = findTorchPython();
const torchTest = python
  ? gpuTest
  : skipUnless(false, `random programs are checked only by finite differences: ${NO_TORCH}`);

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
  'random programs agree with finite differences, repeat bit for bit, and read no unwritten memory',
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
