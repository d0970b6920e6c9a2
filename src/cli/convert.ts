/** `npm run convert -- in.pth out.safetensors`: converts any readable checkpoint to safetensors. */

import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { FileError, UsageError } from '../errors.ts';
import { commonPrefix } from '../models/find-net.ts';
import { printable, quote } from '../printable.ts';
import {
  type Checkpoint,
  countNumbers,
  LIMIT_TEXT,
  mostBytes,
  parseSource,
  readCheckpoint,
  storedBytes,
  writeSafetensors,
} from '../weights/index.ts';
import { called } from './called.ts';
import { EXIT } from './exit-status.ts';
import { parseArgs } from './parse-args.ts';
import { type Io, perform, runProgram } from './program.ts';

const HELP = `Usage: ${called('convert')} <input> <output.safetensors>

Reads a checkpoint and writes its tensors as safetensors, a format that needs no Python and cannot run code.

  <input>   a PyTorch state dict (.pth, .pt, .bin: zip or older stream format) or a .safetensors file;
            its content decides which, not its name; of a file with several state dicts, <input>#<name>
            takes one (model.pth#state_dict_ema), else the raw weights are taken; the folder of a run stands
            for its best.safetensors
  <output>  must end in .safetensors; replaced if it exists, and written whole or not at all

Every tensor keeps its dtype and its values, to the bit. Tensors that share memory are written in full; the output is
limited to ${LIMIT_TEXT}. A "state_dict" key around the tensors and a prefix before all
names ("module.", "model.") are removed, and the output line says so.

To take a trained network to another program, use export: it writes the entries of a known network alone, with its
classes and how it takes pictures, for PyTorch, ONNX runtimes or as safetensors.

  -h, --help   print this
`;

/** The buffers of batch norms, which are not parameters. */
const STATISTIC = /(?:^|\.)(?:running_mean|running_var|num_batches_tracked)$/;

/**
 * @param argv arguments after the script's name
 * @returns exit status: 0 done, 1 a file caused an error, 2 wrong usage, 7 the disk is full
 */
export function main(argv: readonly string[], io: Io = process): Promise<number> {
  return perform({ name: 'convert', help: HELP, parse: parsePaths, run }, argv, io);
}

async function run({ input, output }: Paths, { stdout }: Io): Promise<number> {
  const checkpoint = withoutNetPrefix(readCheckpoint(input));
  checkSize(input, checkpoint);
  // Readers such as transformers look here for the library whose names and layouts the file uses.
  const metadata = { format: 'pt', ...checkpoint.metadata };
  const bytes = writeSafetensors(output, { tensors: checkpoint.tensors, metadata });
  stdout.write(`${printable(output, output.length)}: ${summarize(checkpoint, bytes)}\n`);
  return EXIT.done;
}

interface Paths {
  readonly input: string;
  readonly output: string;
}

/** @throws UsageError if the arguments are wrong */
function parsePaths(argv: readonly string[]): Paths | 'help' {
  let parsed: { values: { help?: boolean | undefined }; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...argv], options: { help: { type: 'boolean', short: 'h' } }, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (parsed.values.help) return 'help';
  const [input, output] = parsed.positionals;
  if (input === undefined || output === undefined || parsed.positionals.length > 2) {
    throw new UsageError(`expected two paths, <input> <output.safetensors>, found ${parsed.positionals.length}`);
  }
  if (extname(output).toLowerCase() !== '.safetensors') {
    throw new UsageError(`${output}: only safetensors are written; name an output that ends in .safetensors`);
  }
  return { input, output };
}

/** Without the prefix before all names, if it stands before a known network's. No entry is left out. */
function withoutNetPrefix(checkpoint: Checkpoint): Checkpoint {
  const prefix = commonPrefix(checkpoint);
  if (prefix === '') return checkpoint;
  const entries = Array.from(checkpoint.tensors, ([name, tensor]) => [name.slice(prefix.length), tensor] as const);
  const notes = [...(checkpoint.notes ?? []), `names without ${quote(prefix)}`];
  return { ...checkpoint, tensors: new Map(entries), notes };
}

/** About what a tensor takes in the header, beside its name: some tensors could share one shape of many dimensions. */
const ENTRY_BYTES = 64;
const BYTES_PER_DIMENSION = 2;

/** Views of one storage share memory here, but safetensors has no views. @throws FileError if the output is too large */
function checkSize(input: string, { tensors }: Checkpoint): void {
  const { path } = parseSource(input);
  const { size } = statSync(path);
  let total = 0;
  for (const [name, tensor] of tensors) {
    total += storedBytes(tensor) + name.length + ENTRY_BYTES + BYTES_PER_DIMENSION * tensor.shape.length;
  }
  if (total <= mostBytes(size)) return;
  throw new FileError(
    `${path}: its ${tensors.size} tensors share memory, and written in full they take about ${total} bytes, beyond ` +
      `${LIMIT_TEXT} (${size}), so it is not converted; save only the tensors that you need`,
  );
}

/** "102 tensors, 11,689,512 parameters and 9,600 batch-norm statistics, 44.6 MiB; names without "module."" */
function summarize({ tensors, notes = [] }: Checkpoint, bytes: number): string {
  let parameters = 0;
  let statistics = 0;
  for (const [name, { shape }] of tensors) {
    if (STATISTIC.test(name)) statistics += countNumbers(shape);
    else parameters += countNumbers(shape);
  }
  const kept = statistics > 0 ? ` and ${format(statistics)} batch-norm statistics` : '';
  const counts = `${format(tensors.size)} tensors, ${format(parameters)} parameters${kept}, ${sizeText(bytes)}`;
  return printable([counts, ...notes].join('; '), LONGEST_LINE);
}

/** Characters, with notes that quote the file. */
const LONGEST_LINE = 2000;

function format(count: number): string {
  return count.toLocaleString('en-US');
}

function sizeText(bytes: number): string {
  if (bytes < 2 ** 10) return `${bytes} bytes`;
  return bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

await runProgram(import.meta.url, 'convert', main);
