/**
 * Mutated checkpoints, the same ones every time. `npm run fuzz -- --checkpoints` reads others, and
 * `npm run verify -- mutated-checkpoints` a million.
 */
import { describe, expect, test } from 'vitest';
import { findTorchPython, NO_TORCH } from '../../support/python.ts';
import { skipUnless } from '../../support/skip.ts';
import { describeCheckpoints, MOST_MEMORY, runCheckpoints, SLOWEST_MS } from './campaign.ts';
import { makeCase } from './mutate.ts';
import { splitPickle } from './pickle-ops.ts';
import { readSeeds } from './seeds.ts';

const SEED = 1;
const CASES = 2000;
const TIMEOUT_MS = 300_000;
const python = findTorchPython();

test(
  'no crash, hang, file left behind or memory beyond the bound, and values as in PyTorch',
  async () => {
    const summary = await runCheckpoints({ seed: SEED, count: CASES, python });
    expect(summary.failures, describeCheckpoints(summary)).toEqual([]);
    expect(summary.cases).toBe(CASES);
    // Mutations that nothing can read would test only the first checks.
    expect(summary.read).toBeGreaterThan(CASES / 8);
    expect(summary.slowestMs).toBeLessThan(SLOWEST_MS);
    expect(summary.peak).toBeLessThan(MOST_MEMORY);
    if (python) expect(summary.compared).toBeGreaterThan(CASES / 16);
  },
  TIMEOUT_MS,
);

skipUnless(python !== undefined, NO_TORCH)('mutated checkpoints were compared with PyTorch', () => {});

describe('the cases', () => {
  const seeds = readSeeds();

  test('are the same for the same seed and number, and differ for others', () => {
    const bytes = (seed: number, index: number) => makeCase(seeds, seed, index).bytes.toString('latin1');
    expect(bytes(7, 3)).toBe(bytes(7, 3));
    expect(bytes(7, 3)).not.toBe(bytes(8, 3));
    expect(new Set(Array.from({ length: 200 }, (_, i) => bytes(7, i))).size).toBeGreaterThan(180);
  });

  test('come from every format, and a pickle is its opcodes', () => {
    expect(new Set(seeds.map(({ kind }) => kind))).toEqual(new Set(['zip', 'stream', 'safetensors', 'tar']));
    for (const seed of seeds) {
      if (seed.kind !== 'zip') continue;
      const whole = Buffer.concat(seed.ops);
      expect(splitPickle(whole)).toEqual({ ops: seed.ops, end: whole.length });
    }
  });
});
