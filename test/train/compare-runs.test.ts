/** Comparison of two runs: reading, pairing, output and refused input. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { comparisonTable, main, summaryLines } from '../../src/cli/compare.ts';
import { FileError } from '../../src/errors.ts';
import { compareRuns, type RunMetrics, readMetrics } from '../../src/train/index.ts';
import { temporaryFolder } from './support.ts';

const root = temporaryFolder();

const row = (epoch: number, phase: 'train' | 'val', loss: number, acc: number): RunMetrics => ({
  epoch,
  phase,
  loss,
  acc,
});

function writeLines(name: string, lines: readonly unknown[]): string {
  const path = join(root, name);
  writeFileSync(path, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return path;
}

const A = [row(0, 'train', 0.75, 0.5), row(0, 'val', 0.5, 0.75), row(1, 'train', 0.5, 0.75)];
const B = [row(0, 'train', 0.75, 0.5), row(0, 'val', 0.5625, 0.875)];

describe('readMetrics', () => {
  test('reads a file or a run folder, and ignores further fields', () => {
    const rows = A.map((one) => ({ ...one, lr: 0.001, seconds: 3 }));
    const file = writeLines('a.jsonl', rows);
    expect(readMetrics(file)).toEqual(A);
    mkdirSync(join(root, 'run'));
    writeLines('run/metrics.jsonl', rows);
    expect(readMetrics(join(root, 'run'))).toEqual(A);
  });

  test.each([
    ['half a line', ['{"epoch": 0, "pha'], /bad\.jsonl:1: expected a line of metrics\.jsonl/],
    ['another phase', [A[0], { ...A[1], phase: 'test' }], /bad\.jsonl:2/],
    ['a loss that is not a number', [{ ...A[0], loss: '1' }], /bad\.jsonl:1/],
    ['null', ['null'], /bad\.jsonl:1/],
    ['nothing', [], /found none/],
  ])('refuses %s', (_, lines, message) => {
    const file = writeLines('bad.jsonl', lines);
    expect(() => readMetrics(file)).toThrow(message);
    expect(() => readMetrics(file)).toThrow(FileError);
  });

  test('names a missing file', () => {
    expect(() => readMetrics(join(root, 'none.jsonl'))).toThrow(/none\.jsonl: cannot be read/);
  });
});

describe('compareRuns', () => {
  test('pairs the phases of both runs, in order, and counts the rest', () => {
    const comparison = compareRuns([...A].reverse(), B);
    expect(comparison.pairs.map(({ epoch, phase }) => `${epoch} ${phase}`)).toEqual(['0 train', '0 val']);
    expect(comparison).toMatchObject({ onlyA: 1, onlyB: 0 });
    expect(comparison.largest).toEqual({ train: { loss: 0, acc: 0 }, val: { loss: 0.0625, acc: 0.125 } });
  });

  test('the table has one line per pair, with both values and their difference', () => {
    const lines = comparisonTable(compareRuns(A, B)).trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[2]!.split(/\s+/).filter(Boolean)).toEqual(
      '0 val 0.5000 0.5625 6.3e-2 0.7500 0.8750 1.3e-1'.split(' '),
    );
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });

  test('the summary gives the largest differences and the phases of only one run', () => {
    const summary = summaryLines(compareRuns(A, B), A, B);
    expect(summary).toContain('val loss 6.3e-2, accuracy 0.1250');
    expect(summary).toContain('Best val accuracy: a 0.7500, b 0.8750');
    expect(summary).toContain('Only in a: 1 phases');
  });
});

describe('the command', () => {
  const written = { stdout: '', stderr: '' };
  beforeEach(() => {
    Object.assign(written, { stdout: '', stderr: '' });
    for (const name of ['stdout', 'stderr'] as const) {
      vi.spyOn(process[name], 'write').mockImplementation((text) => {
        written[name] += text;
        return true;
      });
    }
  });
  afterEach(() => vi.restoreAllMocks());

  const picture = join(root, 'both.png');
  const [a, b] = [writeLines('first.jsonl', A), writeLines('second.jsonl', B)];

  test('prints the table and draws both runs', async () => {
    expect(await main([a, b, '--picture', picture])).toBe(0);
    expect(written.stdout).toContain(`a: ${a}`);
    expect(written.stdout).toContain('0.5625');
    const { width, height } = await sharp(picture).metadata();
    expect(width).toBeGreaterThan(height!);
  });

  test('a difference above the tolerance is status 1', async () => {
    expect(await main([a, b, '--picture', picture, '--tolerance', '0.0625'])).toBe(0);
    expect(await main([a, b, '--picture', picture, '--tolerance', '0.0624'])).toBe(1);
    expect(written.stderr).toContain('differ by up to 6.25e-2, more than 0.0624');
  });

  test.each([
    ['one run', [a]],
    ['three runs', [a, b, a]],
    ['a picture that is not a PNG', [a, b, '--picture', 'x.jpg']],
    ['a tolerance that is not a number', [a, b, '--tolerance', 'x']],
    ['an unknown flag', [a, b, '--what']],
  ])('%s: status 2', async (_, args) => {
    expect(await main(args)).toBe(2);
    expect(written.stderr).toMatch(/^compare: /);
  });

  test('a missing file is status 1, and no picture is drawn', async () => {
    const unused = join(root, 'unused.png');
    expect(await main([a, join(root, 'none.jsonl'), '--picture', unused])).toBe(1);
    expect(written.stderr).toContain('none.jsonl');
    expect(existsSync(unused)).toBe(false);
  });
});
