/** `npm run data -- check <folder>`: tells what a data set is, and what is wrong with it, before anything is trained. */
import { UsageError } from '../errors.ts';
import { checkNumber, NUMBER_OPTIONS } from '../plan/index.ts';
import { printableJson } from '../printable.ts';
import { type DataReportOptions, reportData } from '../train/index.ts';
import { called } from './called.ts';
import { checkData, DATA_HELP, DATA_OPTIONS, parseDataFlags } from './data-flags.ts';
import { dataText } from './data-table.ts';
import { EXIT } from './exit-status.ts';
import { flagHelp, toNumber } from './flags.ts';
import { interruptedStatus, interruptible } from './interrupt.ts';
import { parseArgs } from './parse-args.ts';
import { type Io, perform, runProgram } from './program.ts';

/** Time between two lines of progress. */
const SECONDS_BETWEEN_LINES = 3;

const HELP = `Usage: ${called('data')} check <folder or list> [flags]

Reads all pictures of a data set once and tells what it found: pictures of each class and part, formats, sizes, what is
left out and why, broken pictures, copies and pictures that look alike, labels that contradict, unequal classes. It
trains nothing and changes no file. train takes the same folder or list as --data.

${DATA_HELP}
${flagHelp('seed <n>', [`decides who comes to val, as in train (default: ${NUMBER_OPTIONS.seed.default})`])}
${flagHelp('max-pixels <n>', [`refuse pictures of more pixels (default: ${NUMBER_OPTIONS.maxPixels.default})`])}
${flagHelp('threads <n>', ['threads that decode pictures (default: one per core, at most 4)'])}
${flagHelp('json', ['print all of it as one line of JSON, and nothing else, on stdout'])}
${flagHelp('help', ['print this'], 'h')}

Exit status: 0 all pictures can be read, 1 some cannot, or there is no data set; 2 wrong usage; 130, 143, 129 stopped.
`;

interface DataCommand {
  readonly path: string;
  readonly options: DataReportOptions;
  readonly json: boolean;
}

/**
 * @param argv arguments after the script's name
 * @returns exit status
 */
export function main(argv: readonly string[], io: Io = process): Promise<number> {
  return perform({ name: 'data', help: HELP, parse: parseFlags, run }, argv, io);
}

function run(command: DataCommand, io: Io): Promise<number> {
  return interruptible({ stderr: io.stderr, stopBar: () => {} }, (signal) => check(command, io, signal));
}

async function check({ path, options, json }: DataCommand, io: Io, signal: AbortSignal): Promise<number> {
  let read = 0;
  let last = performance.now();
  const onChecked = () => {
    read++;
    if (performance.now() - last < SECONDS_BETWEEN_LINES * 1000) return;
    last = performance.now();
    io.stderr.write(`Pictures read: ${read.toLocaleString('en-US')}\n`);
  };
  try {
    const report = await reportData(path, { ...options, signal, onChecked });
    io.stdout.write(json ? `${printableJson(report)}\n` : dataText(report));
    return report.broken.length > 0 ? EXIT.failed : EXIT.done;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return interruptedStatus(signal);
    throw error;
  }
}

function parseFlags(argv: readonly string[]): DataCommand | 'help' {
  const { values, positionals } = parse(argv);
  if (values.help === true) return 'help';
  const [what, path, ...others] = positionals;
  if (what !== 'check') throw new UsageError(`expected check <folder>, found ${what ?? 'nothing'}`);
  if (path === undefined || path === '') throw new UsageError('check: expected a folder or list, found none');
  if (others.length > 0) throw new UsageError(`check: expected one folder or list, found also ${others.join(' ')}`);
  const number = (flag: string, option: 'seed' | 'maxPixels' | 'threads') => {
    const given = values[flag] as string | undefined;
    if (given === undefined) return NUMBER_OPTIONS[option].default;
    return checkNumber(option, toNumber(flag, given), `--${flag}`);
  };
  const settings = {
    seed: number('seed', 'seed'),
    maxPixels: number('max-pixels', 'maxPixels'),
    threads: number('threads', 'threads'),
  };
  return {
    path: checkData('check', path),
    options: { ...parseDataFlags(values), settings },
    json: values.json === true,
  };
}

function parse(argv: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...DATA_OPTIONS,
        seed: { type: 'string' },
        'max-pixels': { type: 'string' },
        threads: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return { values: values as Record<string, string | boolean | undefined>, positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

await runProgram(import.meta.url, 'data', main);
