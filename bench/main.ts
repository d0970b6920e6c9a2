/** `npm run bench`: the time of each kernel in a training step on this adapter. */
import { ADAPTERS, flagHelp } from '../src/cli/flags.ts';
import { goToUser } from '../src/cli/npm.ts';
import type { Io } from '../src/cli/program.ts';
import { isProgram } from '../src/cli/program.ts';
import { parseArch } from '../src/cli/train-flags/network.ts';
import { UsageError } from '../src/errors.ts';
import { type OpenOptions, openGpu } from '../src/gpu/dawn.ts';
import { adapterOf, countOf, exitStatus, outputOf, readFlags, writeJson } from './flags.ts';
import { formatReport } from './report-text.ts';
import { type BenchOptions, DEFAULTS, runBench } from './run.ts';

export const HELP = `Usage: npm run bench [-- flags]

Times a network on this adapter: each kernel at each of its shapes, and whole steps. Weights and pictures are random
values: speed does not depend on them.

${flagHelp('arch <name>', [`the network, by torchvision's name (default: ${DEFAULTS.architecture})`])}
${flagHelp('batch-size <n>', [`pictures per step (default: ${DEFAULTS.batchSize})`])}
${flagHelp('steps <n>', [`steps of each kind of work to time (default: ${DEFAULTS.steps})`])}
${flagHelp('only <pattern>', ['list only the rows whose "kernel shape" matches this regular expression,', 'for example conv2d, "weightGrad.*512" or batch_norm'])}
${flagHelp('alone', ['repeat each kernel alone instead; with --only, the quick way to try a change'])}
${flagHelp('json <file>', ['also write the report as JSON'])}
${flagHelp('adapter <kind>', [ADAPTERS.join(', ')])}
${flagHelp('help', ['print this'], 'h')}

Kernels are timed by timestamps around every dispatch of real steps, so caches are as cold or warm as in training. Steps
with and without timestamps take turns; the kernels' total is compared with the wall time of the steps without. --alone
repeats each kernel on the same buffers, which flatters small kernels. A device without timestamps always does so, and
uses the clock. No time includes compilation.

Columns: GFLOP/s counts a multiply-add as two operations. GB/s counts each byte that must be read or written once,
however often the kernel accesses it. "of matmul" compares GFLOP/s with the fastest of several matrix products with
M=128, K=1152, N=3072, measured before and after. bench/README.md describes whole steps.

Exit status: 0 done, 1 failed, 2 wrong usage.
`;

interface BenchCommand {
  readonly options: BenchOptions;
  readonly json: string | undefined;
  readonly device: Pick<OpenOptions, 'adapter'>;
}

/** @throws UsageError naming the flag */
export function parseBenchFlags(argv: readonly string[]): BenchCommand | 'help' {
  const flags = readFlags(argv, {
    arch: { type: 'string' },
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
      architecture: parseArch(flags.arch) ?? DEFAULTS.architecture,
      batchSize: countOf('batch-size', flags['batch-size'], DEFAULTS.batchSize),
      steps: countOf('steps', flags.steps, DEFAULTS.steps),
      only: flags.only === undefined ? undefined : pattern(flags.only),
      alone: flags.alone === true,
    },
    json: outputOf('json', flags.json),
    device: adapterOf(flags.adapter),
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
 * @param smaller sizes that tests reduce
 * @returns exit status: 0 done, 1 failed, 2 wrong usage
 */
export function main(
  argv: readonly string[],
  io: Io = process,
  smaller: Pick<BenchOptions, 'imageSize' | 'works' | 'matmul'> = {},
): Promise<number> {
  return exitStatus('bench', io, async () => {
    const command = parseBenchFlags(argv);
    if (command === 'help') return io.stdout.write(HELP);
    const gpu = await openGpu(command.device);
    try {
      const note = (text: string) => io.stderr.write(`bench: ${text}\n`);
      const report = await runBench(gpu, { ...command.options, ...smaller, note });
      io.stdout.write(formatReport(report));
      writeJson(command.json, report);
    } finally {
      gpu.close();
    }
  });
}

if (isProgram(import.meta.url, process.argv[1])) {
  goToUser(process.env, process.argv);
  process.exitCode = await main(process.argv.slice(2));
}
