/** The programs of examples/ that train: their first losses are PyTorch's, from the same weights. */
import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { EXAMPLES, lossesOf } from '../verify/example-losses.ts';
import { withGpu } from './support/gpu.ts';

const { gpuTest } = await withGpu();

/** What verify/python/examples/*.py print: a list of steps for each, a list of losses for each step. */
const golden: Record<string, number[][]> = JSON.parse(
  readFileSync(new URL('golden/examples.json', import.meta.url), 'utf8'),
);

describe.each(EXAMPLES)('examples/%s.ts', (name) => {
  gpuTest('begins with the losses that PyTorch has', async () => {
    const losses = await lossesOf(name);
    // Losses around 1, after up to ten updates; the two differ in the order of their sums.
    const differences = losses.flatMap((step, i) => step.map((loss, j) => Math.abs(loss - golden[name]![i]![j]!)));
    expect(differences).toHaveLength(golden[name]!.flat().length);
    expect(Math.max(...differences)).toBeLessThan(1e-5);
  });
});
