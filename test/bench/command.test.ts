/** `npm run bench` as it is typed, on small pictures. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HELP, main, parseBenchFlags } from '../../bench/main.ts';
import type { BenchReport, KernelRow } from '../../bench/report.ts';
import { formatReport } from '../../bench/report-text.ts';
import { runBench } from '../../bench/run.ts';
import { sum } from '../../bench/statistics.ts';
import { WORKS, type Work } from '../../bench/steps.ts';
import { registersKernel } from '../../bench/yardstick.ts';
import { openAs, withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'dawngrad-bench-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const size = { m: 16, n: 64, k: 16 };
/** 32 pixels are enough for every kernel to run. */
const SMALLER = {
  imageSize: 32,
  matmul: { size, kernels: [registersKernel(size, { rows: 8, vectors: 1, unroll: 2 }, 0)!] },
};

async function run(argv: readonly string[], works: readonly Work[] = WORKS) {
  let stdout = '';
  let stderr = '';
  const io = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
  };
  const status = await main(argv, io, { ...SMALLER, works });
  return { status, stdout, stderr };
}

describe('flags', () => {
  test('without any: batch 4, 12 steps, everything, in real steps', () => {
    const options = { batchSize: 4, steps: 12, only: undefined, alone: false };
    expect(parseBenchFlags([])).toEqual({ options, json: undefined, adapter: undefined });
  });

  test('all of them', () => {
    const argv = '--batch-size 8 --steps 2 --only conv2d|RELU --alone --json here.json --adapter software'.split(' ');
    expect(parseBenchFlags(argv)).toEqual({
      options: { batchSize: 8, steps: 2, only: /conv2d|RELU/i, alone: true },
      json: 'here.json',
      adapter: 'software',
    });
  });

  test('--help explains every flag, and how kernels are timed', async () => {
    const { status, stdout } = await run(['--help']);
    expect([status, stdout]).toEqual([0, HELP]);
    for (const flag of ['batch-size', 'steps', 'only', 'alone', 'json', 'adapter'])
      expect(HELP).toContain(`--${flag} `);
    expect(HELP).toContain('timestamps around every dispatch');
  });

  test.each([
    [['--batch-size', '0'], '--batch-size: expected a whole number of at least 1, found "0"'],
    [['--steps', '1.5'], '--steps: expected a whole number of at least 1, found "1.5"'],
    [['--only', '('], '--only: Invalid regular expression'],
    [['--adapter', 'fast'], '--adapter: expected high-performance, low-power, software, found "fast"'],
    [['--json', '/nowhere/at/all.json'], '--json: /nowhere/at/all.json: there is no folder /nowhere/at'],
    [['--json', tmpdir()], 'expected a file, found a folder'],
    [['--json', ''], '--json: expected a file, found an empty text'],
    [['--sloppy'], "Unknown option '--sloppy'"],
    [['conv2d'], 'conv2d'],
  ])('%j is wrong usage', async (argv, message) => {
    const { status, stdout, stderr } = await run(argv);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).toContain('npm run bench -- --help');
  });
});

/** What must hold in each report. */
function checkReport(report: BenchReport, works: readonly Work[] = WORKS) {
  expect(report.dawngrad).toMatch(/^\d+\.\d+\.\d+/);
  expect(Math.abs(Date.parse(report.date) - Date.now())).toBeLessThan(600_000);
  expect(report.node).toBe(process.versions.node);
  expect(report.cores).toBeGreaterThan(0);
  expect(report.driver).toBe(gpu.traits.description);
  expect(report.device).not.toBe('');
  expect(report.works.map((work) => work.work)).toEqual(works);
  for (const work of report.works) {
    expect(work.wallMs).toBeGreaterThan(0);
    expect(work.kernelMs).toBeGreaterThan(0);
    const { count, bytes, ms } = work.copies;
    expect(count > 0 ? Math.min(bytes, ms) > 0 : bytes === 0 && ms === 0).toBe(true);
    expect(work.gflops).toBeCloseTo(work.flops / work.wallMs / 1e6, 9);
    // Of a single step; of several, medians need not add up.
    expect(work.kernelMs).toBeCloseTo(sum(work.kinds.map((kind) => kind.msPerStep)), 6);
    for (const row of work.kernels) {
      expect([row.kernel, (row.flops === null) !== (row.bytes === null)]).toEqual([row.kernel, true]);
      if (row.gflops !== null) expect(row.ofMatmul).toBeCloseTo(row.gflops / report.matmul.best.gflops, 9);
    }
  }
}

const names = (rows: readonly KernelRow[]) => rows.map((row) => `${row.kernel} ${row.shape}`);

gpuTest('a table, and the same as JSON', async () => {
  const file = join(scratch, 'all.json');
  const { status, stdout, stderr } = await run(['--batch-size', '2', '--steps', '1', '--json', file]);
  expect([status, stderr.match(/^bench: .*$/gm)!.length]).toEqual([0, 2 + WORKS.length]);
  const report = JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
  checkReport(report);
  expect(report).toMatchObject({ batch: 2, imageSize: 32, steps: 1, only: null });
  const [finetune, , evaluate] = report.works;

  const table = stdout.slice(stdout.indexOf('Kernels of finetune-step'));
  const listed = table.split('\n\n')[1]!.split('\n').slice(2);
  expect(listed.map((line) => line.split(/ {2,}/)[0])).toEqual(finetune!.kernels.map((row) => row.kernel));
  expect(listed.map((line) => line.split(/ {2,}/)[1])).toEqual(finetune!.kernels.map((row) => row.shape));
  const times = finetune!.kernels.map((row) => row.msPerStep);
  expect(times).toEqual([...times].sort((a, b) => b - a));
  expect(sum(times)).toBeCloseTo(finetune!.kernelMs, 6);
  expect(sum(finetune!.kernels.map((row) => row.perStep))).toBeLessThanOrEqual(finetune!.dispatches);
  expect(table).toMatch(
    /\ntotal: [\d.]+ ms in \d+ dispatches, [\d.]+ % of the [\d.]+ ms that a step takes(;.* by the clock)?\n/,
  );

  const alsoInEval = table.slice(table.indexOf('Kernels of eval-forward that are not in finetune-step'));
  expect(alsoInEval).toContain('max_pool_forward ');
  // Not packing, which eval does once, as its weights are frozen.
  expect(names(evaluate!.kernels)).toContain(
    names(finetune!.kernels).find((name) => /^(conv2d_rows|conv2d_tiled|winograd) forward/.test(name)),
  );
  for (const work of WORKS) expect(stdout.slice(stdout.indexOf('Whole steps'))).toContain(work);
});

gpuTest('--only lists what matches, while totals stay those of the whole step', async () => {
  const file = join(scratch, 'only.json');
  const { status, stdout } = await run(
    ['--batch-size', '2', '--steps', '1', '--only', 'SGD.*2359296|residual', '--json', file],
    ['finetune-step'],
  );
  expect(status).toBe(0);
  const report = JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
  const [finetune] = report.works;
  expect(report.only).toBe('SGD.*2359296|residual');
  expect(new Set(finetune!.kernels.map((row) => row.kernel))).toEqual(
    new Set(['sgd_momentum', 'batch_norm_forward_residual', 'batch_norm_backward_sums_residual']),
  );
  expect(finetune!.kernels.filter((row) => row.kernel === 'sgd_momentum')).toHaveLength(1);
  expect(sum(finetune!.kernels.map((row) => row.msPerStep))).toBeLessThan(finetune!.kernelMs);
  expect(stdout).toMatch(/ms in the rows that match\)/);
  checkReport(report, ['finetune-step']);
});

gpuTest('--alone --only repeats only what matches', async () => {
  const file = join(scratch, 'alone.json');
  const { status, stdout } = await run(
    ['--batch-size', '2', '--steps', '1', '--alone', '--only', 'pool', '--json', file],
    ['eval-forward'],
  );
  expect(status).toBe(0);
  const report = JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
  expect(report.place).toBe('alone');
  expect(stdout).toContain('kernels repeated alone, timed');
  const [evaluate] = report.works;
  expect(evaluate!.kernels.map((row) => row.kernel).sort()).toEqual(['avg_pool_forward', 'max_pool_forward']);
  expect(evaluate!.kernelMs).toBeCloseTo(sum(evaluate!.kernels.map((row) => row.msPerStep)), 9);
  // Operations are those of the step all the same.
  expect(evaluate!.flops).toBeGreaterThan(1e8);
  checkReport(report, ['eval-forward']);
});

gpuTest('without timestamps kernels are repeated alone and timed by the clock, and the table says so', async () => {
  const other = await openAs({});
  Object.defineProperty(other.device, 'features', { value: new Set(['subgroups']) });
  const report = await runBench(other, { ...SMALLER, batchSize: 2, steps: 1, works: ['eval-forward'], only: /pool/ });
  expect([report.timing, report.place]).toEqual(['wall', 'alone']);
  expect(report.works[0]!.kernels).toHaveLength(2);
  expect(formatReport(report)).toContain('kernels repeated alone, timed by the clock (no timestamps here)');
  checkReport(report, ['eval-forward']);
});

test('a wrong flag leaves no file behind', async () => {
  const file = join(scratch, 'none.json');
  expect((await run(['--json', file, '--steps', 'x'])).status).toBe(2);
  expect(existsSync(file)).toBe(false);
});
