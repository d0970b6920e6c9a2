/** A few mutated pictures with a fixed seed; and planted faults, each of which a campaign must see. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findTorchPython } from '../../support/python.ts';
import { runPictures } from './campaign.ts';
import { judge, type Ours, type Pillow } from './judge.ts';
import { mutatedPicture } from './mutate.ts';
import { pictureSeeds, WITHOUT_PILLOW } from './seeds.ts';

vi.setConfig({ testTimeout: 120_000 });

let out: string;
beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), 'dawngrad-'));
});
afterAll(() => rmSync(out, { recursive: true }));

test('400 mutated pictures: no crash, hang, large memory or unclear error, and Pillow’s pixels if it is here', async () => {
  const python = findTorchPython();
  const { failures, pictures, verdicts } = await runPictures({ seed: 0, count: 400, python, out });
  expect(failures).toEqual([]);
  expect(pictures).toBe(400);
  if (python) expect(verdicts.equal).toBeGreaterThan(80);
});

test('the seeds are read, and as Pillow reads them if it is here', async () => {
  const seeds = await pictureSeeds();
  expect(new Set(seeds.map(({ format }) => format)).size).toBe(9);
  const python = findTorchPython();
  const { failures, verdicts } = await runPictures({ seed: 0, count: seeds.length, python, out, unchanged: true });
  expect(failures).toEqual([]);
  const alone = seeds.filter(({ format }) => WITHOUT_PILLOW.includes(format)).length;
  expect(verdicts.alone).toBe(python ? alone : 0);
  expect(verdicts[python ? 'equal' : 'uncompared']).toBe(seeds.length - (python ? alone : 0));
});

test('a mutated picture depends only on its numbers', async () => {
  const seeds = await pictureSeeds();
  const bytes = (run: number, index: number) => mutatedPicture(seeds, run, index).bytes;
  expect(bytes(1, 2)).toEqual(bytes(1, 2));
  const all = Array.from({ length: 50 }, (_, i) => bytes(1, i).toString('base64'));
  expect(new Set(all).size).toBeGreaterThan(45);
});

describe('a campaign sees', () => {
  const faults: [string, RegExp][] = [
    ['crash', /crash: ended with SIGSEGV/],
    ['exit', /crash: ended with status 3/],
    ['hang', /hang: no answer within 1000 ms/],
    ['memory', /memory: 1048576 MiB/],
    ['unclear', /unclear error/],
  ];
  for (const [fault, message] of faults) {
    test(fault, async () => {
      vi.stubEnv('DAWNGRAD_PLANTED', fault);
      const decoder = fileURLToPath(new URL('planted.mjs', import.meta.url));
      const options = { seed: 3, count: 12, python: undefined, out: join(out, fault), decoder, hangMs: 1000 };
      const { failures, pictures } = await runPictures(options);
      vi.unstubAllEnvs();
      expect(failures.map((failure) => failure.message)).toEqual([expect.stringMatching(message)]);
      // It goes on with another process, and keeps the picture.
      expect(pictures).toBe(12);
      expect(existsSync(failures[0]!.path)).toBe(true);
    });
  }

  test('other pixels than Pillow’s, unless a decoder warned', () => {
    const ours: Ours = { width: 2, height: 1, sha256: 'a', warned: false, rss: 0 };
    const pillow: Pillow = { width: 2, height: 1, sha256: 'b', warned: false };
    expect(judge(ours, pillow)).toEqual({ failure: expect.stringMatching(/^pixels: 2×1, unlike Pillow's 2×1/) });
    expect(judge(ours, { ...pillow, width: 1 })).toEqual({ failure: expect.stringMatching(/^pixels/) });
    expect(judge(ours, { ...pillow, sha256: 'a' })).toEqual({ verdict: 'equal' });
    expect(judge(ours, { ...pillow, warned: true })).toEqual({ verdict: 'unsure' });
    expect(judge({ ...ours, warned: true }, pillow)).toEqual({ verdict: 'unsure' });
    expect(judge({ refusal: 'no', rss: 0 }, pillow)).toEqual({ verdict: 'refused' });
    expect(judge(ours, { error: 'no' })).toEqual({ verdict: 'alone' });
  });
});
