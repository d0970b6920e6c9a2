/** `npm run convert -- in.pth out.safetensors`: converts any readable checkpoint to safetensors. */

import { extname } from 'node:path';
import { parseArgs } from 'node:util';
import { FileError, UsageError } from '../errors.ts';
import { type Checkpoint, readCheckpoint, writeSafetensors } from '../weights/index.ts';
import { called } from './called.ts';
import { runProgram } from './program.ts';

const HELP = `Usage: ${called('convert')} <input> <output.safetensors>

Reads a checkpoint and writes its tensors as safetensors, a format that needs no Python and cannot run code.

  <input>   a PyTorch state dict (.pth, .pt, .bin: zip or older stream format) or a .safetensors file;
            its content decides which, not its name
  <output>  must end in .safetensors; replaced if it exists, and written whole or not at all

64-bit integers stay unchanged; all other values become float32. "module." prefixes and a "state_dict" key around
the tensors are removed.

  -h, --help   print this
`;

/** The buffers of batch norms, which are not parameters. */
const STATISTIC = /(?:^|\.)(?:running_mean|running_var|num_batches_tracked)$/;

/**
 * @param argv arguments after the script's name
 * @returns exit status: 0 done, 1 a file caused an error, 2 wrong usage
 */
export async function main(argv: string[]): Promise<number> {
  try {
    const paths = parsePaths(argv);
    if (paths === 'help') {
      process.stdout.write(HELP);
      return 0;
    }
    const checkpoint = readCheckpoint(paths.input);
    // Readers such as transformers look here for the library whose names and layouts the file uses.
    const metadata = { format: 'pt', ...checkpoint.metadata };
    const bytes = writeSafetensors(paths.output, { tensors: checkpoint.tensors, metadata });
    process.stdout.write(`${paths.output}: ${summarize(checkpoint, bytes)}\n`);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`convert: ${error.message}\nTry "${called('convert')} --help".\n`);
      return 2;
    }
    if (error instanceof FileError) {
      process.stderr.write(`convert: ${error.message}\n`);
      return 1;
    }
    throw error;
  }
}

/** @throws UsageError if the arguments are wrong */
function parsePaths(argv: string[]): 'help' | { input: string; output: string } {
  let parsed: { values: { help?: boolean | undefined }; positionals: string[] };
  try {
    parsed = parseArgs({ args: argv, options: { help: { type: 'boolean', short: 'h' } }, allowPositionals: true });
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

/** "102 tensors, 11,689,512 parameters and 9,600 batch-norm statistics, 44.6 MiB" */
function summarize({ tensors }: Checkpoint, bytes: number): string {
  let parameters = 0;
  let statistics = 0;
  const converted = new Set<string>();
  for (const [name, { data, dtype }] of tensors) {
    if (STATISTIC.test(name)) statistics += data.length;
    else parameters += data.length;
    if (dtype !== undefined && dtype !== 'F32' && dtype !== 'I64') converted.add(dtype);
  }
  const kept = statistics > 0 ? ` and ${format(statistics)} batch-norm statistics` : '';
  const from = converted.size > 0 ? ` (${[...converted].sort().join(', ')} became F32)` : '';
  return `${format(tensors.size)} tensors, ${format(parameters)} parameters${kept}, ${sizeText(bytes)}${from}`;
}

function format(count: number): string {
  return count.toLocaleString('en-US');
}

function sizeText(bytes: number): string {
  if (bytes < 2 ** 10) return `${bytes} bytes`;
  return bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

await runProgram(import.meta.url, 'convert', main);
