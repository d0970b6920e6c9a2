/**
 * Mutated checkpoints, the same ones every time. `npm run fuzz -- --checkpoints` reads others, and
 * `npm run verify -- mutated-checkpoints` a million.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { findTorchPython, NO_TORCH } from '../../support/python.ts';
import { skipUnless } from '../../support/skip.ts';
import { floats, makePth } from '../../weights/build.ts';
import { describeCheckpoints, MOST_MEMORY, runCheckpoints, SLOWEST_MS } from './campaign.ts';
import { examine, type Signature } from './examine.ts';
import { makeCase } from './mutate.ts';
import { splitPickle } from './pickle-ops.ts';
import { PLANTED } from './planted.ts';
import { readSeeds } from './seeds.ts';
import { TorchReads } from './torch.ts';

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

describe('planted faults are found', () => {
  test('a crash and a hang, with their numbers', async () => {
    const script = fileURLToPath(new URL('planted-child.ts', import.meta.url));
    const summary = await runCheckpoints({
      ...{ seed: 0, count: 2000, python: undefined },
      child: { script, chunkMs: 8000, caseMs: 8000 },
    });
    expect(summary.failures).toEqual([
      { index: PLANTED.crash, message: 'the process ended with 9' },
      { index: PLANTED.hang, message: 'no answer within 8000 ms' },
    ]);
    expect(summary.cases).toBe(2000);
  });

  const tensors = { w: { length: 2, shape: [2], strides: [1] } };
  const folder = mkdtempSync(join(tmpdir(), 'dawngrad-fuzz-test-'));
  const [path, output] = [join(folder, 'case.pth'), join(folder, 'out.safetensors')];
  const bytes = makePth(tensors, { '0': floats(1, 2) });
  writeFileSync(path, bytes);
  afterAll(() => rmSync(folder, { recursive: true }));

  skipUnless(python !== undefined, NO_TORCH)("values, names and dtypes unlike PyTorch's", async () => {
    const torch = new TorchReads(python!);
    try {
      const { tensors: found } = examine(path, bytes.length, output, false);
      const [[name, dtype, shape, hash]] = found as [Signature];
      const wrongOf = async (...signature: Signature) => {
        const { compared, wrong } = await torch.compare([{ index: 0, path, tensors: [signature] }]);
        return [compared, wrong.length];
      };
      expect(await wrongOf(name, dtype, shape, hash)).toEqual([1, 0]);
      expect(await wrongOf(name, dtype, shape, hash.replace(/./g, '0'))).toEqual([1, 1]);
      expect(await wrongOf(name, 'I32', shape, hash)).toEqual([1, 1]);
      expect(await wrongOf(name, dtype, [1, 2], hash)).toEqual([1, 1]);
      expect(await wrongOf('v', dtype, shape, hash)).toEqual([1, 1]);
    } finally {
      torch.close();
    }
  });

  test('a file that is refused is no fault, one that is not there names itself', () => {
    expect(examine(join(folder, 'missing'), 0, output, true)).toEqual({});
    expect(examine(path, bytes.length, output, true)).toMatchObject({
      tensors: [['w', 'F32', [2], expect.any(String)]],
    });
    expect(readdirSync(folder).sort()).toEqual(['case.pth', 'out.safetensors']);
    expect(examine(path, bytes.length, join(folder, 'no', 'out'), true).failure).toBeUndefined();
  });
});

describe('the cases', () => {
  const seeds = readSeeds();

  test('are the same for the same seed and number, and differ for others', () => {
    const bytes = (seed: number, index: number) => makeCase(seeds, seed, index).bytes.toString('latin1');
    expect(bytes(7, 3)).toBe(bytes(7, 3));
    expect(bytes(7, 3)).not.toBe(bytes(8, 3));
    expect(new Set(Array.from({ length: 200 }, (_, i) => bytes(7, i))).size).toBeGreaterThan(180);
  });

  test('come from every format, and a pickle is its opcodes', () => {
    expect(new Set(seeds.map(({ kind }) => kind))).toEqual(new Set(['zip', 'stream', 'safetensors', 'tar', 'onnx']));
    for (const seed of seeds) {
      if (seed.kind !== 'zip') continue;
      const whole = Buffer.concat(seed.ops);
      expect(splitPickle(whole)).toEqual({ ops: seed.ops, end: whole.length });
    }
  });
});
