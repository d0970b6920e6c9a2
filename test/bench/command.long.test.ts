/** `npm run bench` with its flags, on small pictures. */
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HELP, main, parseBenchFlags } from '../../bench/main.ts';
import type { BenchReport, KernelRow } from '../../bench/report.ts';
import { formatReport } from '../../bench/report-text.ts';
import { runBench } from '../../bench/run.ts';
import { sum } from '../../bench/statistics.ts';
import { WORKS, type Work } from '../../bench/steps.ts';
import { registersKernel } from '../../bench/yardstick.ts';
import { openAs, withGpu } from '../support/gpu.ts';
import { call, temporaryFolder } from './support.ts';

const { gpuTest, gpu } = await withGpu();

const scratch = temporaryFolder();

const size = { m: 16, n: 64, k: 16 };
/** At 32 pixels every kernel runs. */
const SMALLER = {
  imageSize: 32,
  matmul: { size, kernels: [registersKernel(size, { rows: 8, vectors: 1, unroll: 2 }, 0)!] },
};

const run = (argv: readonly string[], works: readonly Work[] = WORKS) =>
  call((io) => main(argv, io, { ...SMALLER, works }));

/** Runs `npm run bench` with `--json` and small sizes. */
async function runReport(flags: readonly string[], works: readonly Work[]) {
  const file = join(scratch, 'report.json');
  const ended = await run(['--batch-size', '2', '--steps', '1', '--json', file, ...flags], works);
  expect(ended.status).toBe(0);
  const report = JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
  checkReport(report, works);
  return { ...ended, report };
}

describe('flags', () => {
  test('by default: batch size 4, 12 steps, everything, in real steps', () => {
    const options = { architecture: 'resnet18', batchSize: 4, steps: 12, only: undefined, alone: false };
    expect(parseBenchFlags([])).toEqual({ options, json: undefined, device: {} });
  });

  test('all flags are read', () => {
    const argv =
      '--arch mobilenet_v2 --batch-size 8 --steps 2 --only conv2d|RELU --alone --json here.json --adapter software'.split(
        ' ',
      );
    expect(parseBenchFlags(argv)).toEqual({
      options: { architecture: 'mobilenet_v2', batchSize: 8, steps: 2, only: /conv2d|RELU/i, alone: true },
      json: 'here.json',
      device: { adapter: 'software' },
    });
  });

  test('--help explains every flag and the timing', async () => {
    const { status, stdout } = await run(['--help']);
    expect([status, stdout]).toEqual([0, HELP]);
    for (const flag of ['arch', 'batch-size', 'steps', 'only', 'alone', 'json', 'adapter'])
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

/** Checks that must hold for every report. */
function checkReport(report: BenchReport, works: readonly Work[]) {
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
    // Of a single step. The medians of several steps need not add up.
    expect(work.kernelMs).toBeCloseTo(sum(work.kinds.map((kind) => kind.msPerStep)), 6);
    for (const row of work.kernels) {
      expect([row.kernel, (row.flops === null) !== (row.bytes === null)]).toEqual([row.kernel, true]);
      if (row.gflops !== null) expect(row.ofMatmul).toBeCloseTo(row.gflops / report.matmul.best.gflops, 9);
    }
  }
}

const names = (rows: readonly KernelRow[]) => rows.map((row) => `${row.kernel} ${row.shape}`);

gpuTest('the table and the JSON hold the same rows', async () => {
  const { stdout, stderr, report } = await runReport([], WORKS);
  expect(stderr.match(/^bench: .*$/gm)).toHaveLength(2 + WORKS.length);
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
  // Packing is absent: evaluation mode packs once, because its weights are frozen.
  expect(names(evaluate!.kernels)).toContain(
    names(finetune!.kernels).find((name) => /^(conv2d_rows|conv2d_tiled|winograd) forward/.test(name)),
  );
  for (const work of WORKS) expect(stdout.slice(stdout.indexOf('Whole steps'))).toContain(work);
});

gpuTest('--only lists the matching rows, and totals stay those of the whole step', async () => {
  const { stdout, report } = await runReport(['--only', 'SGD.*2359296|residual'], ['finetune-step']);
  const [finetune] = report.works;
  expect(report.only).toBe('SGD.*2359296|residual');
  expect(new Set(finetune!.kernels.map((row) => row.kernel))).toEqual(
    new Set(['sgd_momentum', 'batch_norm_forward_residual', 'batch_norm_backward_sums_residual']),
  );
  expect(finetune!.kernels.filter((row) => row.kernel === 'sgd_momentum')).toHaveLength(1);
  expect(sum(finetune!.kernels.map((row) => row.msPerStep))).toBeLessThan(finetune!.kernelMs);
  expect(stdout).toMatch(/ms in the rows that match\)/);
});

gpuTest('--alone --only repeats only the matching kernels', async () => {
  const { stdout, report } = await runReport(['--alone', '--only', 'pool'], ['eval-forward']);
  expect(report.place).toBe('alone');
  expect(stdout).toContain('kernels repeated alone, timed');
  const [evaluate] = report.works;
  expect(evaluate!.kernels.map((row) => row.kernel).sort()).toEqual(['avg_pool_forward', 'max_pool_forward']);
  expect(evaluate!.kernelMs).toBeCloseTo(sum(evaluate!.kernels.map((row) => row.msPerStep)), 9);
  // The operations are still those of the whole step.
  expect(evaluate!.flops).toBeGreaterThan(1e8);
});

gpuTest('without timestamps, kernels are repeated alone and timed by the clock, and the table says so', async () => {
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
