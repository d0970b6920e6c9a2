/** The report as people read it. */
import type { BenchReport, KernelRow, Machine, WorkReport } from './report.ts';
import { type Column, figure, formatTable, percent } from './table.ts';
import { type ProductResult, YARDSTICK_SIZE } from './yardstick.ts';

const NONE = '–';
const orNone = (value: number | null, format: (value: number) => string) => (value === null ? NONE : format(value));

const COLUMNS: readonly Column[] = [
  { title: 'kernel', align: 'left' },
  { title: 'shape', align: 'left' },
  { title: 'per step', align: 'right' },
  { title: 'ms each', align: 'right' },
  { title: 'ms per step', align: 'right' },
  { title: 'of step', align: 'right' },
  { title: 'GFLOP/s', align: 'right' },
  { title: 'GB/s', align: 'right' },
  { title: 'of matmul', align: 'right' },
];

/** "llvmpipe-… (Mesa …), software; AMD EPYC, 2 cores; Node 20.20.2" */
export function machineLine(machine: Machine): string {
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
    `ResNet-18, batch ${batch} at ${imageSize}x${imageSize}, ${report.steps} steps of each kind; ${placeText(report)}`,
    formatMatmul(report),
    `Kernels of ${main.work}\n\n${formatKernels(main, main.kernels)}\n\n${totalLine(main, report)}`,
    ...others.map((work) => {
      const more = work.kernels.filter((row) => !main.kernels.some((known) => sameRow(known, row)));
      const table = more.length > 0 ? formatKernels(work, more) : '(none)';
      return `Kernels of ${work.work} that are not in ${main.work}\n\n${table}\n\n${totalLine(work, report)}`;
    }),
    `${main.work} by kind\n\n${formatKinds(main)}`,
    `Whole steps\n\n${formatWorks(works)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function placeText({ timing, place }: BenchReport): string {
  if (place === 'step') return 'kernels timed by timestamps at their place in real steps';
  const how = timing === 'timestamps' ? 'by timestamps' : 'by the clock (no timestamps here)';
  return `kernels repeated alone, timed ${how}`;
}

function formatMatmul({ matmul }: BenchReport): string {
  const { m, n, k } = matmul;
  const line = ({ kernel, ms, gflops }: ProductResult) => [kernel, figure(ms), figure(gflops)];
  const table = formatTable(
    [
      { title: 'kernel', align: 'left' },
      { title: 'ms', align: 'right' },
      { title: 'GFLOP/s', align: 'right' },
    ],
    matmul.kernels.map(line),
  );
  const usual = m === YARDSTICK_SIZE.m && n === YARDSTICK_SIZE.n && k === YARDSTICK_SIZE.k;
  return `Matrix product M=${m} K=${k} N=${n}${usual ? ', the yardstick' : ''}\n\n${table}`;
}

function formatKernels(work: WorkReport, rows: readonly KernelRow[]): string {
  return formatTable(
    COLUMNS,
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
  return `; beside them ${copies.count} copies into textures, ${figure(copies.bytes / 1e6)} MB, ${figure(copies.ms)} ms by the clock`;
}

function totalLine(work: WorkReport, { only, place }: BenchReport): string {
  const shown = work.kernels.reduce((total, row) => total + row.msPerStep, 0);
  const matching = only === null ? '' : ` (${figure(shown)} ms in the rows that match)`;
  if (only !== null && place === 'alone') return `total: ${figure(shown)} ms in the rows that match`;
  return (
    `total: ${figure(work.kernelMs)} ms in ${work.dispatches} dispatches${matching}, ${percent(work.kernelMs / work.wallMs)} of ` +
    `the ${figure(work.wallMs)} ms that a step takes${copiesText(work)}`
  );
}

function formatKinds(work: WorkReport): string {
  return formatTable(
    [
      { title: 'kind', align: 'left' },
      { title: 'pieces', align: 'right' },
      { title: 'ms per step', align: 'right' },
      { title: 'of step', align: 'right' },
      { title: 'GFLOP/s', align: 'right' },
      { title: 'of matmul', align: 'right' },
    ],
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
    [
      { title: 'work', align: 'left' },
      { title: 'ms', align: 'right' },
      { title: 'quartiles', align: 'right' },
      { title: 'kernels ms', align: 'right' },
      { title: 'GFLOP', align: 'right' },
      { title: 'GFLOP/s', align: 'right' },
    ],
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

function sameRow(a: KernelRow, b: KernelRow): boolean {
  return a.kernel === b.kernel && a.shape === b.shape;
}
