/** `npm run bench`: where a training step's time goes on this adapter, kernel by kernel. */
import { pathToFileURL } from 'node:url';
import { DawngradError, UsageError } from '../src/errors.ts';
import { type AdapterPreference, openGpu } from '../src/gpu/dawn.ts';
import { writeFileAtomic } from '../src/weights/index.ts';
import { ADAPTERS, adapterOf, countOf, flagHelp, type Io, outputOf, readFlags } from './flags.ts';
import { formatReport } from './report-text.ts';
import { type BenchOptions, DEFAULTS, runBench } from './run.ts';

export const HELP = `Usage: npm run bench [-- flags]

Times ResNet-18 on this adapter: each kernel at each of its shapes, and whole steps. Weights and pictures are random
numbers, as speed does not depend on them.

${flagHelp('batch-size <n>', [`pictures per step (default: ${DEFAULTS.batchSize})`])}
${flagHelp('steps <n>', [`steps of each kind of work to time (default: ${DEFAULTS.steps})`])}
${flagHelp('only <pattern>', ['list only the rows of which "kernel shape" matches this regular expression,', 'for instance conv2d, "weightGrad.*512" or batch_norm'])}
${flagHelp('alone', ['repeat each kernel alone instead; with --only this is the quick way to try a change'])}
${flagHelp('json <file>', ['write the report as JSON too'])}
${flagHelp('adapter <kind>', [ADAPTERS.join(', ')])}
${flagHelp('help', ['print this'])}

How kernels are timed: timestamps around every dispatch of real steps, so that each runs at its place, its inputs as cold
or as warm in the caches as they are in training. Steps with timestamps and steps without take turns; the total of
the kernels is held against the wall time of those without. With --alone a kernel is repeated on the same buffers, which
flatters small ones; where a device has no timestamps this is done in any case, by the clock. Compiling is never
in a time.

What the columns say: GFLOP/s counts multiply and add apart. GB/s counts the bytes that must be read and written, once each,
however often the kernel does. "of matmul" holds GFLOP/s against the fastest of several matrix products with M=128,
K=1152, N=3072, measured before and after. Whole steps: see bench/README.md.

Exit status: 0 done, 1 failed, 2 wrong usage.
`;

interface BenchCommand {
  readonly options: BenchOptions;
  readonly json: string | undefined;
  readonly adapter: AdapterPreference | undefined;
}

/** @throws UsageError naming the flag */
export function parseBenchFlags(argv: readonly string[]): BenchCommand | 'help' {
  const flags = readFlags(argv, {
    'batch-size': { type: 'string' },
    steps: { type: 'string' },
    only: { type: 'string' },
    alone: { type: 'boolean' },
    json: { type: 'string' },
    adapter: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (flags.help) return 'help';
  return {
    options: {
      batchSize: countOf('batch-size', flags['batch-size'], DEFAULTS.batchSize),
      steps: countOf('steps', flags.steps, DEFAULTS.steps),
      only: flags.only === undefined ? undefined : pattern(flags.only),
      alone: flags.alone === true,
    },
    json: outputOf('json', flags.json),
    adapter: adapterOf(flags.adapter),
  };
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch (error) {
    throw new UsageError(`--only: ${(error as Error).message}`);
  }
}

/**
 * @param argv arguments after the script's name
 * @param smaller what a test makes smaller than it is for people
 * @returns exit status: 0 done, 1 failed, 2 wrong usage
 */
export async function main(
  argv: readonly string[],
  io: Io = process,
  smaller: Pick<BenchOptions, 'imageSize' | 'works' | 'matmul'> = {},
): Promise<number> {
  try {
    const command = parseBenchFlags(argv);
    if (command === 'help') {
      io.stdout.write(HELP);
      return 0;
    }
    const gpu = await openGpu(command.adapter === undefined ? {} : { adapter: command.adapter });
    try {
      const note = (text: string) => io.stderr.write(`bench: ${text}\n`);
      const report = await runBench(gpu, { ...command.options, ...smaller, note });
      io.stdout.write(formatReport(report));
      if (command.json !== undefined) {
        writeFileAtomic(command.json, [Buffer.from(`${JSON.stringify(report, undefined, 2)}\n`)]);
      }
    } finally {
      gpu.close();
    }
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`bench: ${error.message}\nTry "npm run bench -- --help".\n`);
      return 2;
    }
    if (!(error instanceof DawngradError)) throw error;
    io.stderr.write(`bench: ${error.message}\n`);
    return 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
