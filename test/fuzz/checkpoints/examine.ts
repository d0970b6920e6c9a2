/**
 * Reads one mutated file as training and `convert` do, and judges the outcome. A file may be refused by a FileError
 * that names it. If it is read, what is written from it reads the same to the bit.
 */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { FileError } from '../../../src/errors.ts';
import { findNet } from '../../../src/models/find-net.ts';
import { readGraph, readOnnxNet } from '../../../src/onnx/net.ts';
import { printableLines } from '../../../src/printable.ts';
import {
  type Checkpoint,
  countNumbers,
  encodeSafetensors,
  mostBytes,
  namedClasses,
  readCheckpoint,
  storedBytes,
  writeSafetensors,
} from '../../../src/weights/index.ts';

/** Name, dtype, shape and hash of the bytes of one tensor. */
export type Signature = readonly [name: string, dtype: string, shape: readonly number[], hash: string];

export interface Outcome {
  /** Undefined if the file was refused. */
  readonly tensors?: readonly Signature[];
  /** The fault of the reader. */
  readonly failure?: string;
}

/** Characters of an error. */
const LONGEST_MESSAGE = 4000;

/**
 * @param path of the file, which holds `size` bytes
 * @param output a file to write to
 * @param atomic whether to write it as `convert` does, with a temporary file and fsync
 */
export function examine(path: string, size: number, output: string, atomic: boolean): Outcome {
  let checkpoint: Checkpoint;
  try {
    checkpoint = readCheckpoint(path);
  } catch (error) {
    return { ...refusal(path, error) };
  }
  let bytes = 0;
  let values = 0;
  for (const tensor of checkpoint.tensors.values()) {
    bytes += storedBytes(tensor);
    if (tensor.data.length !== countNumbers(tensor.shape))
      return { failure: 'a tensor has fewer values than its shape' };
    values += tensor.data.length;
  }
  const tensors = signatures(checkpoint);
  try {
    namedClasses(checkpoint);
    findNet(path, checkpoint);
  } catch (error) {
    const { failure } = refusal(path, error);
    if (failure !== undefined) return { failure };
  }
  // Views of one storage: `convert` refuses to write them all.
  if (bytes > mostBytes(size)) return { tensors };
  const failure = rewrite(checkpoint, tensors, output, atomic);
  return { tensors, ...(failure !== undefined && { failure: `${failure} (${values} values)` }) };
}

/** Reads a mutated ONNX file as training does: its network and weights, and the graph that lies beside a run's weights. */
export async function examineOnnx(path: string, bytes: Uint8Array): Promise<Outcome> {
  try {
    const { net, checkpoint } = await readOnnxNet(bytes, path);
    const again = await readGraph(net.graph!, path);
    if (again.graph !== net.graph || again.blocks.join() !== net.blocks.join())
      return { failure: 'its graph reads differently' };
    for (const { shape, data } of checkpoint.tensors.values()) {
      if (data.length !== countNumbers(shape)) return { failure: 'a tensor has fewer values than its shape' };
    }
    return { tensors: [] };
  } catch (error) {
    return refusal(path, error);
  }
}

/** A refusal is right if it is typed, names the file, and can be printed. */
function refusal(path: string, error: unknown): Outcome {
  if (!(error instanceof FileError)) return { failure: `crash: ${(error as Error)?.stack ?? error}` };
  const { message } = error;
  if (!message.startsWith(`${path}: `)) return { failure: `the error does not name the file: ${message}` };
  if (message.length > LONGEST_MESSAGE) return { failure: `an error of ${message.length} characters` };
  if (printableLines(message) !== message) return { failure: `an error is not printable: ${JSON.stringify(message)}` };
  return {};
}

function signatures({ tensors }: Checkpoint): Signature[] {
  return Array.from(tensors, ([name, { dtype, shape, bytes }]) => {
    return [name, dtype ?? 'F32', shape, createHash('sha1').update(bytes!).digest('hex')];
  });
}

function rewrite(
  { tensors, metadata }: Checkpoint,
  read: readonly Signature[],
  output: string,
  atomic: boolean,
): string | undefined {
  try {
    if (atomic) writeSafetensors(output, { tensors, metadata });
    else writeFileSync(output, Buffer.concat([...encodeSafetensors(output, { tensors, metadata })]));
  } catch (error) {
    // Names that this format reserves, and headers that are too long.
    return error instanceof FileError ? undefined : `crash while writing: ${(error as Error).stack}`;
  }
  const again = readCheckpoint(output);
  // A wrapper's prefix may be left once the reader has taken off four; names are compared without.
  const sorted = (all: readonly Signature[]) => all.map(([, ...rest]) => JSON.stringify(rest)).sort();
  const [before, after] = [sorted(read), sorted(signatures(again))];
  return before.length === after.length && before.every((one, i) => one === after[i])
    ? undefined
    : 'what was written reads differently';
}
