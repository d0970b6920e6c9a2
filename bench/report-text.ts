/** The report as text. */
import { TUTORIAL_ARCHITECTURE } from '../src/models/types.ts';
import type { BenchReport, KernelRow, Machine, WorkReport } from './report.ts';
import { sum } from './statistics.ts';
import { figure, formatTable, percent } from './table.ts';
import { YARDSTICK_SIZE } from './yardstick.ts';

const orNone = (value: number | null, format: (value: number) => string) => (value === null ? '–' : format(value));

/** "llvmpipe-… (Mesa …), software; AMD EPYC, 2 cores; Node 20.20.2" */
function machineLine(machine: Machine): string {
  const kind = machine.software ? 'software' : 'hardware';
  return (
    `${machine.device} (${machine.driver}), ${kind}; ${machine.cpu}, ${machine.cores} cores; Node ${machine.node}, ` +
    `${machine.platform}; dawngrad ${machine.dawngrad}; ${machine.date.slice(0, 10)}`
  );
}

export function formatReport(report: BenchReport): string {
  const { works, batch, imageSize } = report;
  const [main, ...others] = works;
  if (!main) throw new RangeError('A report needs at least one kind of work.');
  const parts = [
    machineLine(report),
    `${report.architecture ?? TUTORIAL_ARCHITECTURE}, batch ${batch} at ${imageSize}x${imageSize}, ${report.steps} steps of each kind; ${placeText(report)}`,
    formatMatmul(report),
    `Kernels of ${main.work}\n\n${formatKernels(main, main.kernels)}\n\n${totalLine(main, report)}`,
    ...others.map((work) => {
      const known = new Set(main.kernels.map(({ kernel, shape }) => `${kernel} ${shape}`));
      const more = work.kernels.filter(({ kernel, shape }) => !known.has(`${kernel} ${shape}`));
      const table = more.length > 0 ? formatKernels(work, more) : '(none)';
      return `Kernels of ${work.work} that are not in ${main.work}\n\n${table}\n\n${totalLine(work, report)}`;
    }),
    `${main.work} by kind\n\n${formatKinds(main)}`,
    `Whole steps\n\n${formatWorks(works)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function placeText({ timing, place }: BenchReport): string {
  if (place === 'step') return 'kernels timed by timestamps in real steps';
  const how = timing === 'timestamps' ? 'by timestamps' : 'by the clock (no timestamps here)';
  return `kernels repeated alone, timed ${how}`;
}

function formatMatmul({ matmul }: BenchReport): string {
  const { m, n, k } = matmul;
  const table = formatTable(
    ['kernel', '>ms', '>GFLOP/s'],
    matmul.kernels.map(({ kernel, ms, gflops }) => [kernel, figure(ms), figure(gflops)]),
  );
  const usual = m === YARDSTICK_SIZE.m && n === YARDSTICK_SIZE.n && k === YARDSTICK_SIZE.k;
  return `Matrix product M=${m} K=${k} N=${n}${usual ? ', the yardstick' : ''}\n\n${table}`;
}

function formatKernels(work: WorkReport, rows: readonly KernelRow[]): string {
  return formatTable(
    ['kernel', 'shape', '>per step', '>ms each', '>ms per step', '>of step', '>GFLOP/s', '>GB/s', '>of matmul'],
    rows.map((row) => [
      row.kernel,
      row.shape,
      figure(row.perStep),
      figure(row.ms),
      figure(row.msPerStep),
      percent(row.msPerStep / work.kernelMs),
      orNone(row.gflops, figure),
      orNone(row.gbs, figure),
      orNone(row.ofMatmul, percent),
    ]),
  );
}

function copiesText({ copies }: WorkReport): string {
  if (copies.count === 0) return '';
  return `; besides, ${copies.count} copies into textures, ${figure(copies.bytes / 1e6)} MB, ${figure(copies.ms)} ms by the clock`;
}

function totalLine(work: WorkReport, { only, place }: BenchReport): string {
  const shown = sum(work.kernels.map((row) => row.msPerStep));
  const matching = only === null ? '' : ` (${figure(shown)} ms in the rows that match)`;
  if (only !== null && place === 'alone') return `total: ${figure(shown)} ms in the rows that match`;
  return (
    `total: ${figure(work.kernelMs)} ms in ${work.dispatches} dispatches${matching}, ${percent(work.kernelMs / work.wallMs)} of ` +
    `the ${figure(work.wallMs)} ms that a step takes${copiesText(work)}`
  );
}

function formatKinds(work: WorkReport): string {
  return formatTable(
    ['kind', '>pieces', '>ms per step', '>of step', '>GFLOP/s', '>of matmul'],
    work.kinds.map((row) => [
      row.kind,
      figure(row.pieces),
      figure(row.msPerStep),
      percent(row.msPerStep / work.kernelMs),
      orNone(row.gflops, figure),
      orNone(row.ofMatmul, percent),
    ]),
  );
}

function formatWorks(works: readonly WorkReport[]): string {
  return formatTable(
    ['work', '>ms', '>quartiles', '>kernels ms', '>GFLOP', '>GFLOP/s'],
    works.map((work) => [
      work.work,
      figure(work.wallMs),
      work.wallQuartilesMs.map(figure).join(' to '),
      figure(work.kernelMs),
      figure(work.flops / 1e9),
      figure(work.gflops),
    ]),
  );
}
