/** `npm run compare -- a.jsonl b.jsonl`: compares two runs in a table and a picture. */

import { FileError, UsageError } from '../errors.ts';
import { compareRuns, type RunComparison, type RunMetrics, type RunPair, readMetrics } from '../train/index.ts';
import { writeFileAtomic } from '../weights/index.ts';
import { called } from './called.ts';
import { EXIT } from './exit-status.ts';
import { parseArgs } from './parse-args.ts';
import { type Io, perform, placeAdvice, runProgram } from './program.ts';

const HELP = `Usage: ${called('compare')} <a> <b> [flags]

Compares the metrics of two runs epoch by epoch: two runs of dawngrad, or one of dawngrad and one of PyTorch
(scripts/pytorch/tutorial.py writes the same file).

  <a> <b>               metrics.jsonl files, or run folders that hold one
      --picture <file>  PNG for the curves of both runs (default: compare.png)
      --tolerance <x>   exit with status 1 if a loss of any epoch differs by more than this
  -h, --help            print this

Exit status: 0 compared, 1 a file is invalid or a loss exceeds the tolerance, 2 wrong usage, 7 the disk is full.
`;

const advice = placeAdvice('Give another place by --picture <file.png>.');

interface CompareCommand {
  readonly a: string;
  readonly b: string;
  readonly picture: string;
  readonly tolerance: number | undefined;
}

/**
 * @param argv arguments after the script's name
 * @returns exit status
 */
export function main(argv: readonly string[], io: Io = process): Promise<number> {
  return perform({ name: 'compare', help: HELP, parse: parseFlags, run, advice }, argv, io);
}

async function run({ a, b, picture, tolerance }: CompareCommand, { stdout, stderr }: Io): Promise<number> {
  const [first, second] = [readMetrics(a), readMetrics(b)];
  const comparison = compareRuns(first, second);
  if (comparison.pairs.length === 0) throw new FileError(`${a} and ${b}: the two runs have no epoch in common`);
  stdout.write(`a: ${a}\nb: ${b}\n\n${comparisonTable(comparison)}\n${summaryLines(comparison, first, second)}`);
  const { drawComparison } = await import('../pictures/index.ts');
  writeFileAtomic(picture, [await drawComparison({ name: 'a', metrics: first }, { name: 'b', metrics: second })]);
  stdout.write(`Curves of both: ${picture}\n`);
  const worst = Math.max(comparison.largest.train.loss, comparison.largest.val.loss);
  if (tolerance === undefined || worst <= tolerance) return EXIT.done;
  stderr.write(`compare: losses differ by up to ${worst.toExponential(2)}, more than ${tolerance}\n`);
  return EXIT.failed;
}

function parseFlags(argv: readonly string[]): CompareCommand | 'help' {
  let parsed: { values: { picture?: string; tolerance?: string; help?: boolean }; positionals: string[] };
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        picture: { type: 'string' },
        tolerance: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return 'help';
  if (positionals.length !== 2) {
    throw new UsageError(`expected two runs to compare, found ${positionals.length}: ${positionals.join(' ')}`);
  }
  const { picture = 'compare.png', tolerance } = values;
  if (!picture.endsWith('.png')) throw new UsageError(`--picture: expected a name that ends in .png, found ${picture}`);
  if (tolerance !== undefined && !(Number(tolerance) >= 0 && tolerance.trim() !== '')) {
    throw new UsageError(`--tolerance: expected a number of at least 0, found ${JSON.stringify(tolerance)}`);
  }
  const [a, b] = positionals as [string, string];
  return { a, b, picture, tolerance: tolerance === undefined ? undefined : Number(tolerance) };
}

const COLUMNS: readonly { readonly title: string; readonly value: (row: RunMetrics) => number }[] = [
  { title: 'loss', value: ({ loss }) => loss },
  { title: 'accuracy', value: ({ acc }) => acc },
];

/** A line per epoch and phase: both runs' loss and accuracy, and b − a. */
export function comparisonTable({ pairs }: RunComparison): string {
  const heads = COLUMNS.map(({ title }) => `${`${title} a`.padStart(11)} ${'b'.padStart(8)} ${'b − a'.padStart(9)}`);
  const cells = (pair: RunPair) =>
    COLUMNS.map(({ value }) => {
      const [a, b] = [value(pair.a), value(pair.b)];
      return `${a.toFixed(4).padStart(11)} ${b.toFixed(4).padStart(8)} ${difference(b - a).padStart(9)}`;
    });
  const lines = [
    `epoch phase ${heads.join(' ')}`,
    ...pairs.map((pair) => `${`${pair.epoch}`.padStart(5)} ${pair.phase.padEnd(5)} ${cells(pair).join(' ')}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** The largest differences of the two runs, and the best accuracy of each. */
export function summaryLines(comparison: RunComparison, a: readonly RunMetrics[], b: readonly RunMetrics[]): string {
  const { largest, onlyA, onlyB, pairs } = comparison;
  const best = (rows: readonly RunMetrics[]) =>
    Math.max(...rows.filter(({ phase }) => phase === 'val').map(({ acc }) => acc)).toFixed(4);
  const furthest = (['train', 'val'] as const)
    .filter((phase) => pairs.some((pair) => pair.phase === phase))
    .map((phase) => `${phase} loss ${largest[phase].loss.toExponential(1)}, accuracy ${largest[phase].acc.toFixed(4)}`);
  const lines = [`Largest differences: ${furthest.join('; ')}`];
  if (pairs.some(({ phase }) => phase === 'val')) lines.push(`Best val accuracy: a ${best(a)}, b ${best(b)}`);
  if (onlyA > 0) lines.push(`Only in a: ${onlyA} phases`);
  if (onlyB > 0) lines.push(`Only in b: ${onlyB} phases`);
  return `${lines.join('\n')}\n`;
}

function difference(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}

await runProgram(import.meta.url, 'compare', main);
