/** `npm run report -- <run> …`: writes the page about a run anew, or one that compares several. */
import { join, resolve } from 'node:path';
import { folderOf } from '../data/index.ts';
import { DawngradError, UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import { accuracyText } from '../judge/index.ts';
import { formatBytes } from '../plan/index.ts';
import { printableLines, sentence } from '../printable.ts';
import {
  comparisonOf,
  type OpenEyes,
  openEyes,
  openReader,
  type RunRecord,
  readRun,
  reportOf,
} from '../report/index.ts';
import { RUN_FILES } from '../train/index.ts';
import { writeFileAtomic } from '../weights/index.ts';
import { called } from './called.ts';
import { checkData } from './data-flags.ts';
import { EXIT, EXIT_HELP_WITHOUT_TRAINING } from './exit-status.ts';
import { ADAPTERS, checkExists, oneOf } from './flags.ts';
import { parseArgs } from './parse-args.ts';
import { type Io, perform, placeAdvice, runProgram } from './program.ts';
import { checkAreOf, findAgain } from './report-pictures.ts';

const HELP = `Usage: ${called('report')} <run> [<run> …] [flags]

Of one run: writes its report.html anew, from the files of its folder. Of several, up to six: writes one page with their
results beside each other, the settings that differ, their curves, and the pictures that some name right and others wrong,
with where each looked.

  <run>                 the folder of a run
      --out <file>      where to write (default: report.html in the run's folder; of several runs compare.html)
      --data <path>     where the pictures of the run are now, if they were moved: the folder, or the list
      --no-pictures     without pictures and heat maps, as for a page that others will read
      --adapter <which> ${ADAPTERS.join(', ')}: the device that makes the heat maps
  -h, --help            print this

${EXIT_HELP_WITHOUT_TRAINING}
`;

const advice = placeAdvice('Give another place by --out <file.html>.');

interface ReportCommand {
  readonly runs: readonly string[];
  readonly out: string | undefined;
  readonly data: string | undefined;
  readonly pictures: boolean;
  readonly adapter: AdapterPreference | undefined;
}

/**
 * @param argv arguments after the script's name
 * @returns exit status
 */
export function main(argv: readonly string[], io: Io = process): Promise<number> {
  return perform({ name: 'report', help: HELP, parse: parseFlags, run, advice }, argv, io);
}

async function run(command: ReportCommand, io: Io): Promise<number> {
  const records = command.runs.map(readRun);
  await (records.length === 1 ? reportOne(records[0]!, command, io) : compare(records, command, io));
  return EXIT.done;
}

async function reportOne(record: RunRecord, command: ReportCommand, io: Io): Promise<void> {
  const { counts, remark: dataRemark, reason } = await findAgain(record, command.data);
  if (dataRemark !== undefined)
    note(io, [dataRemark, ...(reason === undefined ? [] : [reason])].map(sentence).join(' '));
  const { eyes, remark } = await openForReport(record, command, io);
  try {
    const data = command.data && folderOf(command.data);
    const html = await reportOf(record, { eyes, remark, dataRemark, counts, data });
    write(command.out ?? join(record.folder, RUN_FILES.report), html, io);
  } finally {
    await eyes?.close();
  }
}

async function compare(records: readonly RunRecord[], command: ReportCommand, io: Io): Promise<void> {
  const { out = 'compare.html', pictures, data, adapter } = command;
  if (data !== undefined) for (const record of records) await checkAreOf(record, data);
  const open = pictures ? (record: RunRecord) => openFor(record, adapter, io) : undefined;
  const html = await comparisonOf(records, { open, data: data && folderOf(data) });
  for (const { folder, judgement } of records) {
    io.stdout.write(`${printableLines(folder)}: ${judgement ? accuracyText(judgement) : 'not judged'}\n`);
  }
  write(out, html, io);
}

/** What a run looks with, and what is missing. */
interface Opened {
  readonly eyes: OpenEyes | undefined;
  readonly remark?: string;
}

async function openForReport(record: RunRecord, { pictures, adapter }: ReportCommand, io: Io): Promise<Opened> {
  if (!pictures) return { eyes: undefined, remark: 'This report was asked for without pictures.' };
  // Only wrong answers are looked at.
  if (!record.judgement?.answers.some(({ right }) => !right)) return { eyes: undefined };
  return openFor(record, adapter, io);
}

/** A page without heat maps is better than none: what is missing is said, there and here. */
async function openFor(record: RunRecord, adapter: AdapterPreference | undefined, io: Io): Promise<Opened> {
  try {
    return { eyes: await openEyes(record, adapter) };
  } catch (error) {
    if (!(error instanceof DawngradError)) throw error;
    note(io, `${sentence(error.message)} There are no heat maps of ${record.folder}.`);
    return {
      eyes: openReader(record),
      remark: 'A network could not be asked again where it looked, so heat maps are missing.',
    };
  }
}

function write(path: string, html: string, { stdout }: Io): void {
  const bytes = new TextEncoder().encode(html);
  writeFileAtomic(path, [bytes]);
  stdout.write(`${printableLines(path)}: ${formatBytes(bytes.length)}\n`);
}

function note({ stderr }: Io, text: string): void {
  stderr.write(`report: ${printableLines(text)}\n`);
}

function parseFlags(argv: readonly string[]): ReportCommand | 'help' {
  const { values, positionals } = parse(argv);
  if (values.help) return 'help';
  if (positionals.length === 0) throw new UsageError('expected the folder of a run, found none');
  const runs = positionals.map((path) => checkExists('<run>', path, 'folder'));
  const twice = runs.find((run, i) => runs.findIndex((other) => resolve(other) === resolve(run)) < i);
  if (twice !== undefined) throw new UsageError(`${twice}: named twice; name different runs`);
  const { out, data, adapter } = values;
  if (out !== undefined && !out.endsWith('.html')) {
    throw new UsageError(`--out: expected a name that ends in .html, found ${out}`);
  }
  return {
    ...{ runs, out },
    data: data === undefined ? undefined : resolve(checkData('--data', data)),
    pictures: !values['no-pictures'],
    adapter: adapter === undefined ? undefined : oneOf('adapter', adapter, ADAPTERS),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        out: { type: 'string' },
        data: { type: 'string' },
        'no-pictures': { type: 'boolean' },
        adapter: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

await runProgram(import.meta.url, 'report', main);
