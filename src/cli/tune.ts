/** `npm run tune`: measures which kernels are fastest on this machine, and stores the choices for later runs. */

import { type DawngradError, UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import { fromScratch } from '../models/start.ts';
import { type Architecture, TUTORIAL_ARCHITECTURE, TUTORIAL_MODES, type TutorialMode } from '../models/types.ts';
import { checkNumber, NUMBER_OPTIONS } from '../plan/index.ts';
import { DEFAULT_BUDGET, engineVersion, keepResults, type TuneReport, tune, tuneLimits } from '../tune/index.ts';
import { called } from './called.ts';
import { EXIT_HELP_WITHOUT_TRAINING } from './exit-status.ts';
import { ADAPTERS, flagHelp, oneOf, toNumber } from './flags.ts';
import { interruptedStatus, interruptible } from './interrupt.ts';
import { parseArgs } from './parse-args.ts';
import { type Io, memoryAdvice, perform, placeAdvice, runProgram } from './program.ts';
import { parseArch } from './train-flags/network.ts';
import { TuneNotes, tuneTable, tuneTotals } from './tune-report.ts';

const HELP = `Usage: ${called('tune')} [flags]

Measures which kernel is fastest on this machine for each convolution and product of a network, and stores the results.
From then on, train and predict use them for the same network, batch size and image size. Otherwise they use the shipped tables.

${flagHelp('batch-size <n>', [`pictures per step of the run to tune for (default: ${NUMBER_OPTIONS.batchSize.default})`])}
${flagHelp('image-size <n>', [`side of the square that the network sees, in pixels (default: ${NUMBER_OPTIONS.imageSize.default})`])}
${flagHelp('arch <name>', ['the network of the run to tune for, by torchvision’s name (default: resnet18);', 'the same names as of train'])}
${flagHelp('mode <mode>', [`${TUTORIAL_MODES.join(' or ')}: decides which gradients are tuned (default: finetune)`])}
${flagHelp('adapter <kind>', [`${ADAPTERS.join(', ')}`, '(default: high-performance, as for training)'])}
${flagHelp('budget <seconds>', [
  `how long measuring may take (default: ${DEFAULT_BUDGET}); compiling for the first time may take`,
  'five times as much on top',
])}
${flagHelp('json', ['print everything as one JSON object'])}
${flagHelp('help', ['print this'], 'h')}

The results go to tuned.json in the cache folder: $DAWNGRAD_CACHE, else the system's (~/.cache/dawngrad on Linux). They
apply to this adapter, its driver's version and this version of the program. Kernels differ in the order of their sums,
so tuning may change the last bits of a run, but nothing else. ${called('train')} --no-tune ignores the results.

Ctrl-C stops it and keeps the results so far; a second Ctrl-C stops it at once.

${EXIT_HELP_WITHOUT_TRAINING}
`;

const cacheAdvice = placeAdvice('Set DAWNGRAD_CACHE to a folder that you may write.');

interface TuneCommand {
  readonly batchSize: number;
  readonly imageSize: number;
  readonly mode: TutorialMode;
  readonly arch: Architecture;
  readonly adapter: AdapterPreference | undefined;
  /** Seconds. */
  readonly budget: number;
  readonly json: boolean;
}

/**
 * @param argv arguments after the script's name
 * @param startedAt when the budget began to run, as `performance.now`; default when the process was started
 * @returns exit status: see `exit-status.ts`; 130, 143 or 129 if a signal stopped it
 */
export function main(argv: readonly string[], io: Io = process, startedAt = 0): Promise<number> {
  const run = (command: TuneCommand) => tuneAll(command, io, startedAt);
  return perform({ name: 'tune', help: HELP, parse: parseFlags, run, advice }, argv, io);
}

function advice(error: DawngradError): string | undefined {
  return memoryAdvice(error) ?? cacheAdvice(error);
}

async function tuneAll(command: TuneCommand, io: Io, startedAt: number): Promise<number> {
  const { batchSize, imageSize, mode, arch, adapter, budget, json } = command;
  const notes = new TuneNotes(io.stderr);
  const stopBar = () => notes.stopBar();
  return interruptible({ stderr: io.stderr, stopBar }, async (signal) => {
    const report = await tune({
      // Convolutions do not depend on classes and momentum.
      question: {
        ...{ mode, classes: 2, imageSize, batchSize, momentum: 0, start: fromScratch(arch) },
        pictures: { train: batchSize, val: batchSize },
      },
      adapter,
      limits: tuneLimits(budget),
      startedAt,
      signal,
      onProgress: (progress) => notes.progress(progress),
    }).finally(stopBar);
    if (!json) io.stdout.write(reportText(report));
    const file = keepResults(report, io.env);
    const told = { engine: engineVersion(), ...command, ...report, ...tuneTotals(report.results), file };
    io.stdout.write(json ? `${JSON.stringify(told, null, 2)}\n` : `Kept in ${file}\n`);
    return signal.aborted ? interruptedStatus(signal) : 0;
  });
}

function reportText({ adapter, results, seconds }: TuneReport): string {
  const told = results.filter(({ state }) => state === 'measured').length;
  const lines = [`${told} of ${results.length} measured in ${seconds.toFixed(1)} s.`];
  if (told < results.length) {
    lines[0] +=
      ` The time ran out for the other ${results.length - told}: they keep the table's choice unless it was clearly ` +
      'worse. A larger --budget measures more of them.';
  }
  const { tableMs, tunedMs, compared } = tuneTotals(results);
  if (compared > 0) {
    const of = compared === results.length ? '' : ` (${compared} of ${results.length})`;
    const gain = tunedMs === tableMs ? 'as fast' : `${(tableMs / tunedMs).toFixed(3)} times as fast`;
    lines.push(
      `A training and a validation step${of}: ${tableMs.toFixed(0)} ms by the table, ${tunedMs.toFixed(0)} ms tuned: ${gain}`,
    );
  }
  const device = `Device: ${adapter.description} (${adapter.kind === 'cpu' ? 'software' : 'hardware'})`;
  return `${device}\n${tuneTable(results)}${lines.join('\n')}\n`;
}

/** @throws UsageError if the arguments are wrong */
function parseFlags(argv: readonly string[]): TuneCommand | 'help' {
  const { help, json = false, adapter, mode = 'finetune', arch, budget, ...sizes } = parse(argv);
  if (help) return 'help';
  const number = (flag: 'batch-size' | 'image-size', option: 'batchSize' | 'imageSize') => {
    const text = sizes[flag];
    return text === undefined ? NUMBER_OPTIONS[option].default : checkNumber(option, toNumber(flag, text), `--${flag}`);
  };
  return {
    batchSize: number('batch-size', 'batchSize'),
    imageSize: number('image-size', 'imageSize'),
    mode: oneOf('mode', mode, TUTORIAL_MODES),
    arch: parseArch(arch) ?? TUTORIAL_ARCHITECTURE,
    adapter: adapter === undefined ? undefined : oneOf('adapter', adapter, ADAPTERS),
    budget: budget === undefined ? DEFAULT_BUDGET : checkBudget(toNumber('budget', budget)),
    json,
  };
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        'batch-size': text,
        'image-size': text,
        mode: text,
        arch: text,
        adapter: text,
        budget: text,
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function checkBudget(seconds: number): number {
  if (seconds > 0) return seconds;
  throw new UsageError(`--budget: expected a number of seconds above 0, found ${seconds}`);
}

await runProgram(import.meta.url, 'tune', main);
