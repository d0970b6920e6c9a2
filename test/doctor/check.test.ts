/** The doctor's compute pass: it passes in every variant on a good device, and fails if a shader is wrong. */
import { expect } from 'vitest';
import { checkConvolution } from '../../src/cli/doctor/check.ts';
import { openAs, openTampered, withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

/** [2, 7, 7, 10] outputs, [2, 5, 13, 19] inputs and [7, 5, 3, 3] weights. */
const VALUES = 2 * 7 * 7 * 10 + 2 * 5 * 13 * 19 + 7 * 5 * 3 * 3;

gpuTest('every value is correct, and each pass names its variant', async () => {
  const { kernels, ...result } = await checkConvolution(gpu);
  expect(result).toEqual({
    what: 'convolution 3×3 of [2, 5, 13, 19] with both gradients',
    values: VALUES,
    wrong: 0,
    firstWrong: null,
    ms: expect.any(Number),
  });
  const passes = Object.keys(kernels).map((work) => work.split(' ')[1]);
  expect(passes.sort()).toEqual(['forward', 'inputGrad', 'weightGrad']);
});

for (const [kind, variant] of [
  ['cpu', 'rows'],
  ['gpu', 'tiled'],
] as const) {
  gpuTest(`the kernels for a ${kind} are checked if training would choose them`, async () => {
    const { wrong, kernels } = await checkConvolution(await openAs({ kind }));
    expect(wrong).toBe(0);
    expect(new Set(Object.values(kernels))).toEqual(new Set([variant]));
  });
}

gpuTest('a device that computes wrong results is caught, with the first wrong value', async () => {
  // Changes the product of two tiles: every sum written to its first column is one too large.
  const bad = await openTampered(
    { find: /output\[([^\]]+)\] = ([^;\n]+);/, replace: 'output[$1] = $2 + 1.0;' },
    { kind: 'gpu' },
  );
  const { wrong, firstWrong } = await checkConvolution(bad);
  expect(wrong).toBeGreaterThan(0);
  expect(firstWrong).toMatch(/^output at \d+: -?\d+, should be -?\d+$/);
});
